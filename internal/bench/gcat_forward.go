//go:build linux

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// forwardCells are gcat -lk --to between a client and a server, beside socat with a
// process for each connection and haproxy in TCP mode.
func (b *Bench) forwardCells() []Cell {
	bulk := Cell{
		Name: "forward", What: "from TCP through the tool into TCP", Unit: "GB/s",
		Bounds: []Bound{{Of: Memory, Limit: 16}, {Against: "socat", Limit: 2.5}, {Of: CPU, Against: "socat", Limit: 0.5}},
	}
	for _, f := range b.forwarders() {
		bulk.Contenders = append(bulk.Contenders, Contender{Name: f.name, Run: b.forward(f)})
	}
	small := Cell{
		Name: "forward-small", What: "64 bytes there and back through the tool, 10 connections", Unit: "round trips/s",
		Bounds: []Bound{{Against: "socat", Limit: 1}, {Against: "haproxy", Limit: 0.8}},
	}
	many := Cell{
		Name: "forward-1000", What: "64 bytes there and back through the tool, 1000 connections at once", Unit: "round trips/s",
		Bounds: []Bound{{Of: Memory, Limit: 16 + 1000.0/16}},
	}
	for _, f := range b.forwarders() {
		small.Contenders = append(small.Contenders, Contender{Name: f.name, Run: b.forwardLoad(f, "10")})
		many.Contenders = append(many.Contenders, Contender{Name: f.name, Run: b.forwardLoad(f, "1000")})
	}
	return []Cell{bulk, small, many}
}

// A forwarder joins what connects to a port of 127.0.0.1 to another one.
type forwarder struct {
	name string
	argv func(port, to string) []string
}

// forwarders are gcat and those of its peers that are there.
func (b *Bench) forwarders() []forwarder {
	all := []forwarder{{"gcat", func(port, to string) []string {
		return []string{b.Binary("gcat"), "-lk", "--max-conns", "2000", "--to", "127.0.0.1:" + to, "127.0.0.1", port}
	}}}
	if path, err := exec.LookPath("socat"); err == nil {
		all = append(all, forwarder{"socat", func(port, to string) []string {
			return []string{path, "TCP4-LISTEN:" + port + ",bind=127.0.0.1,fork,reuseaddr,backlog=1024", "TCP4:127.0.0.1:" + to}
		}})
	}
	if path, err := exec.LookPath("haproxy"); err == nil {
		all = append(all, forwarder{"haproxy", func(port, to string) []string {
			config := filepath.Join(b.Dir, "haproxy-"+port)
			text := "global\n maxconn 4000\ndefaults\n mode tcp\n option splice-auto\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n" +
				"listen forward\n bind 127.0.0.1:" + port + "\n server one 127.0.0.1:" + to + "\n"
			_ = os.WriteFile(config, []byte(text), 0o600) // haproxy says what is wrong with it
			return []string{path, "-db", "-f", config}
		}})
	}
	return all
}

// forward is a stream from a source through a forwarder to a sink.
func (b *Bench) forward(f forwarder) func(context.Context) (Sample, error) {
	return func(ctx context.Context) (Sample, error) {
		m := &match{ctx: ctx, dir: b.Dir, bytes: b.Bytes}
		defer m.end()
		to, way, err := m.place("tcp", false)
		if err != nil {
			return Sample{}, err
		}
		far, err := m.help(nil, nil, m.listener, append([]string{"sink", m.count()}, way...)...)
		m.closeFiles()
		if err != nil {
			return Sample{}, err
		}
		p, port, err := b.startForwarder(ctx, f, to)
		if err != nil {
			return Sample{}, err
		}
		if _, err := m.help(nil, nil, nil, "source", m.count(), "dial", "tcp", port); err != nil {
			_, _, _ = p.Wait(0)
			return Sample{}, err
		}
		return m.judge(p, far, far)
	}
}

// forwardLoad puts conns connections through a forwarder to an echo server.
func (b *Bench) forwardLoad(f forwarder, conns string) func(context.Context) (Sample, error) {
	return func(ctx context.Context) (Sample, error) {
		servers := b.compiled([]place{{name: "gecho", argv: b.gecho()}}, cEpoll, epollSource)
		server, to, err := servers[len(servers)-1].start(ctx, true)
		if err != nil {
			return Sample{}, err
		}
		defer func() { _, _, _ = server.Wait(0) }()
		through := place{name: f.name, argv: func(port string) []string { return f.argv(port, to) }}
		return b.underLoad(ctx, through, "pingpong", conns, "64")
	}
}

// startForwarder starts it on a free port, and waits until it listens.
func (b *Bench) startForwarder(ctx context.Context, f forwarder, to string) (*Process, string, error) {
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	p, err := Start(ctx, f.argv(port, to), nil, nil)
	if err == nil {
		if err = listening(ctx, port); err != nil {
			_, _, _ = p.Wait(time.Second)
		}
	}
	return p, port, err
}
