//go:build linux

package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The servers in C that show what the machine can do.
var (
	//go:embed testdata/echo_epoll.c
	epollSource []byte
	//go:embed testdata/echo_udp.c
	recvfromSource []byte
)

func init() {
	benches = append(benches, subject{"gecho", []string{"gecho"}, gechoCells})
	roles["pingpong"], roles["churn"], roles["idle"], roles["shower"] = pingpong, churn, idle, shower
}

// span is for how long a load is put on a server, in each run.
const span = 700 * time.Millisecond

// crowd is how many idle connections a server is given, crowdLimit how long it is
// told to keep them when that is what is measured.
const (
	crowd      = 10_000
	crowdLimit = 3 * time.Second
)

// A place is a server that is being measured: a name, and its command line for a
// port of 127.0.0.1.
type place struct {
	name  string
	limit bool
	argv  func(port string) []string
}

// gechoCells are what gecho is measured by.
func gechoCells(b *Bench) []Cell {
	var cells []Cell
	streams := b.streamServers()
	for _, c := range []struct{ size, conns int }{{64, 1}, {64, 10}, {64, 100}, {64, 1000}, {64 << 10, 1}, {64 << 10, 10}, {64 << 10, 100}} {
		bounds := []Bound{{Against: cEpoll, Limit: 0.75}}
		switch {
		case c.conns >= 100:
			bounds = append(bounds, Bound{Against: best, Limit: 2})
		case c.conns >= 10:
			bounds = append(bounds, Bound{Against: best, Limit: 1.8})
		}
		cells = append(cells, b.load(Cell{
			Name:   fmt.Sprintf("echo-%d-%d", c.size, c.conns),
			What:   fmt.Sprintf("messages of %d bytes to and fro on %d connections", c.size, c.conns),
			Unit:   "1/s",
			Bounds: bounds,
		}, streams, "pingpong", strconv.Itoa(c.conns), strconv.Itoa(c.size)))
	}
	for _, parallel := range []int{1, 100} {
		cells = append(cells, b.load(Cell{
			Name:   fmt.Sprintf("churn-%d", parallel),
			What:   fmt.Sprintf("connect, 64 bytes to and fro, close, %d at a time", parallel),
			Unit:   "1/s",
			Bounds: []Bound{{Against: cEpoll, Limit: 0.6}},
		}, streams, "churn", strconv.Itoa(parallel)))
	}
	clocks := []place{streams[0], {name: "gecho -w 0", limit: true, argv: b.gecho("-w", "0")}}
	cells = append(cells, b.load(Cell{
		Name: "clocks", What: "64 bytes on 100 connections, with the clocks and without", Unit: "1/s",
		Bounds: []Bound{{Against: "gecho -w 0", Limit: 0.95}},
	}, clocks, "pingpong", "100", "64"))
	return append(cells, b.idleCells(streams)...)
}

const cEpoll, cRecvfrom = "C epoll", "C recvfrom"

// idleCells are those about waiting, and UDP.
func (b *Bench) idleCells(streams []place) []Cell {
	memory := Cell{
		Name: "idle-memory", What: fmt.Sprintf("%d connections that have carried 64 KiB each and now wait", crowd),
		Unit: "KiB each", LessIsBetter: true,
	}
	late := Cell{
		Name: "idle-late", What: fmt.Sprintf("%d connections time out after %v: the latest of them", crowd, crowdLimit),
		Unit: "s late", LessIsBetter: true,
		Contenders: []Contender{{Name: "gecho", Run: b.lateness()}},
	}
	for _, s := range streams {
		if s.name == "gecho" || s.limit { // a process for each of ten thousand is no use
			memory.Contenders = append(memory.Contenders, Contender{Name: s.name, Limit: s.limit, Run: b.memory(s)})
		}
	}
	udp := []place{{name: "gecho", argv: func(port string) []string {
		return []string{b.Binary("gecho"), "udp://127.0.0.1:" + port}
	}}}
	udp = b.compiled(udp, cRecvfrom, recvfromSource)
	if path, err := exec.LookPath("socat"); err == nil {
		udp = append(udp, place{name: "socat", argv: func(port string) []string {
			return []string{path, "UDP4-LISTEN:" + port + ",bind=127.0.0.1", "PIPE"}
		}})
	}
	return []Cell{memory, late, b.load(Cell{
		Name: "udp", What: "distinct datagrams of 64 bytes to and fro", Unit: "1/s",
		Bounds: []Bound{{Against: cRecvfrom, Limit: 0.7}, {Against: best, Limit: 1}},
	}, udp, "shower")}
}

// streamServers is gecho and those of its peers that are there.
func (b *Bench) streamServers() []place {
	all := []place{{name: "gecho", argv: b.gecho()}}
	all = b.compiled(all, cEpoll, epollSource)
	if path, err := exec.LookPath("socat"); err == nil {
		all = append(all, place{name: "socat", argv: func(port string) []string {
			return []string{path, "TCP4-LISTEN:" + port + ",bind=127.0.0.1,fork,reuseaddr,backlog=1024", "PIPE"}
		}})
	}
	if path, err := exec.LookPath("ncat"); err == nil {
		all = append(all, place{name: "ncat", argv: func(port string) []string {
			return []string{path, "-lk", "-m", "2000", "-e", "/bin/cat", "127.0.0.1", port}
		}})
	}
	return all
}

// gecho is our command line with these options.
func (b *Bench) gecho(options ...string) func(port string) []string {
	return func(port string) []string {
		return append(append([]string{b.Binary("gecho")}, options...), "tcp://127.0.0.1:"+port)
	}
}

// compiled adds a server in C, if there is a compiler for it.
func (b *Bench) compiled(all []place, name string, source []byte) []place {
	binary := filepath.Join(b.Dir, strings.ReplaceAll(name, " ", "-"))
	if _, err := os.Stat(binary); err != nil {
		if err := os.WriteFile(binary+".c", source, 0o600); err != nil {
			return all
		}
		if err := exec.CommandContext(b.Context, "cc", "-O2", "-o", binary, binary+".c").Run(); err != nil {
			return all
		}
	}
	return append(all, place{name: name, limit: true, argv: func(port string) []string { return []string{binary, port} }})
}

// load completes a cell in which a role puts load on each server.
func (b *Bench) load(c Cell, servers []place, role string, args ...string) Cell {
	for _, s := range servers {
		c.Contenders = append(c.Contenders, Contender{Name: s.name, Limit: s.limit, Run: func(ctx context.Context) (Sample, error) {
			return b.underLoad(ctx, s, role, args...)
		}})
	}
	return c
}

// underLoad starts a server and a role that counts what it answers.
func (b *Bench) underLoad(ctx context.Context, s place, role string, args ...string) (Sample, error) {
	p, port, err := s.start(ctx, role != "shower")
	if err != nil {
		return Sample{}, err
	}
	var r Report
	h, err := StartHelper(ctx, nil, nil, nil, append([]string{role, port, strconv.FormatInt(span.Milliseconds(), 10)}, args...)...)
	if err == nil {
		r, err = h.Report(patience)
		h.End()
	}
	used, exited, failed := p.Wait(0)
	if err == nil && exited && failed != nil {
		err = failed
	}
	used.Value = float64(r.Count) / (float64(max(1, r.End-r.Start)) / 1e9)
	return used, err
}

// start starts the server on a free port, and waits until it is there.
func (s place) start(ctx context.Context, stream bool) (*Process, string, error) {
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	p, err := Start(ctx, s.argv(port), nil, nil)
	if err != nil {
		return nil, "", err
	}
	if stream {
		err = listening(ctx, port)
	} else {
		time.Sleep(100 * time.Millisecond) // datagrams are sent again until one is answered
	}
	if err != nil {
		_, _, _ = p.Wait(0)
	}
	return p, port, err
}

// memory is what a crowd costs a server while it waits.
func (b *Bench) memory(s place) func(context.Context) (Sample, error) {
	return func(ctx context.Context) (Sample, error) {
		p, port, err := s.start(ctx, true)
		if err != nil {
			return Sample{}, err
		}
		before := resident(p)
		ready, err := b.gather(ctx, port, 0)
		after := resident(p)
		if err == nil {
			ready.End()
		}
		used, _, _ := p.Wait(0)
		used.Value = float64(after-before) / crowd / 1024
		return used, err
	}
}

// lateness is by how much the last of a crowd is timed out after its limit.
func (b *Bench) lateness() func(context.Context) (Sample, error) {
	s := place{argv: b.gecho("-w", crowdLimit.String())}
	return func(ctx context.Context) (Sample, error) {
		p, port, err := s.start(ctx, true)
		if err != nil {
			return Sample{}, err
		}
		var r Report
		h, err := b.gather(ctx, port, crowdLimit)
		if err == nil {
			r, err = h.Report(patience)
			h.End()
		}
		used, _, _ := p.Wait(0)
		used.Value = float64(r.End-r.Start) / 1e9
		return used, err
	}
}

// gather starts a crowd and waits until all of it has carried its 64 KiB.
func (b *Bench) gather(ctx context.Context, port string, limit time.Duration) (*Helper, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	h, err := StartHelper(ctx, nil, w, nil, "idle", port, strconv.Itoa(crowd), strconv.FormatInt(int64(limit), 10))
	w.Close()
	if err != nil {
		return nil, err
	}
	if _, err := r.Read(make([]byte, 1)); err != nil {
		h.End()
		return nil, fmt.Errorf("the crowd: %w", err)
	}
	return h, nil
}

// resident is VmRSS of a process in bytes.
func resident(p *Process) int64 {
	data, _ := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	return highWater([]byte(strings.ReplaceAll(strings.ReplaceAll(string(data), "VmHWM:", "-"), "VmRSS:", "VmHWM:")))
}
