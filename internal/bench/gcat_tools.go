//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"time"
)

// A tool is a netcat: gcat, or a peer of it.
type tool struct {
	name, path string
	// tuned is set if it is given more than its defaults.
	tuned bool
	// help is the flag that prints its help.
	help string
	// tcp and unix return its arguments for a conversation; unix is nil if it
	// does not speak that.
	tcp, unix func(e end) []string
}

// An end is what a tool is to be in a conversation.
type end struct {
	listen bool
	// at is a port of 127.0.0.1, or a path.
	at string
	// way is how the bytes go: -1 only out of the socket, 1 only into it, 0 both.
	way int
}

func (t tool) does(network string) bool { return network == "tcp" || t.unix != nil }

// argv is the command line of a tool.
func (t tool) argv(network string, e end) []string {
	if network == "unix" {
		return append([]string{t.path}, t.unix(e)...)
	}
	return append([]string{t.path}, t.tcp(e)...)
}

// gcatTools is gcat and those of its peers that are installed.
func (b *Bench) gcatTools() []tool {
	tools := []tool{{
		name: "gcat", path: b.Binary("gcat"), help: "--help",
		tcp:  func(e end) []string { return e.flags("-l", "127.0.0.1", e.at) },
		unix: func(e end) []string { return e.flags("-l", "-U", e.at) },
	}}
	for _, t := range []tool{
		{
			name: "nc.openbsd", help: "-h",
			tcp:  func(e end) []string { return e.flags("-l", "-N", "127.0.0.1", e.at) },
			unix: func(e end) []string { return e.flags("-l", "-NU", e.at) },
		},
		{name: "nc.traditional", help: "-h", tcp: func(e end) []string {
			if e.listen {
				return []string{"-l", "-s", "127.0.0.1", "-p", e.at}
			}
			return []string{"127.0.0.1", e.at}
		}},
		{
			name: "ncat", help: "--help",
			tcp:  func(e end) []string { return e.flags("-l", "127.0.0.1", e.at) },
			unix: func(e end) []string { return e.flags("-l", "-U", e.at) },
		},
		{name: "socat", help: "-h", tcp: socatTCP(""), unix: socatUnix("")},
		{name: "socat -b1048576", tuned: true, tcp: socatTCP("-b1048576"), unix: socatUnix("-b1048576")},
	} {
		program := t.name
		if t.tuned {
			program = "socat"
		}
		if path, err := exec.LookPath(program); err == nil {
			t.path = path
			tools = append(tools, t)
		}
	}
	return tools
}

// flags is args, after flag if e listens.
func (e end) flags(flag string, args ...string) []string {
	if e.listen {
		return append([]string{flag}, args...)
	}
	return args
}

func socatTCP(options ...string) func(end) []string {
	return func(e end) []string {
		if e.listen {
			return e.socat(options, "TCP-LISTEN:"+e.at+",bind=127.0.0.1,reuseaddr")
		}
		return e.socat(options, "TCP:127.0.0.1:"+e.at)
	}
}

func socatUnix(options ...string) func(end) []string {
	return func(e end) []string {
		if e.listen {
			return e.socat(options, "UNIX-LISTEN:"+e.at)
		}
		return e.socat(options, "UNIX-CONNECT:"+e.at)
	}
}

// socat orders the addresses; in one direction (-u) it does not give the other
// up after half a second.
func (e end) socat(options []string, address string) []string {
	var args []string
	for _, o := range options {
		if o != "" {
			args = append(args, o)
		}
	}
	switch e.way {
	case 1:
		return append(args, "-u", "STDIN", address)
	case -1:
		return append(args, "-u", address, "STDOUT")
	}
	return append(args, "STDIO", address)
}

// What shows the limit of file to TCP: iperf3, which sends the same 128 KiB again
// and again, so that they stay in the processor's cache, and a process that does
// nothing but call sendfile(2) for the very file, which comes from memory.
const (
	iperf    = "iperf3 -Z"
	sendfile = "sendfile(2) alone"
)

// sendfile is a role in the place of a tool.
func (b *Bench) sendfile() Contender {
	return Contender{Name: sendfile, Limit: true, Run: b.stream(tool{
		path: "/proc/self/exe",
		tcp:  func(e end) []string { return []string{"role", "send", "dial", "tcp", e.at} },
	}, shape{from: "file", to: "tcp"})}
}

// iperf is iperf3 sending a file without copying it, if it is installed.
func (b *Bench) iperf() []Contender {
	path, err := exec.LookPath("iperf3")
	if err != nil {
		return nil
	}
	return []Contender{{Name: iperf, Limit: true, Run: func(ctx context.Context) (Sample, error) {
		port, err := freePort()
		if err != nil {
			return Sample{}, err
		}
		server, err := Start(ctx, []string{path, "-s", "-1", "-p", port}, nil, nil)
		if err != nil {
			return Sample{}, err
		}
		defer server.Wait(time.Second)
		if err := listening(ctx, port); err != nil {
			return Sample{}, err
		}
		return iperfClient(ctx, path, port, b.Bytes)
	}}}
}

// iperfClient is the sending half of iperf3.
func iperfClient(ctx context.Context, path, port string, bytes int64) (Sample, error) {
	out, in, err := pipe()
	if err != nil {
		return Sample{}, err
	}
	defer out.Close()
	client, err := Start(ctx, []string{path, "-c", "127.0.0.1", "-p", port, "-Z", "-J", "-n", strconv.FormatInt(bytes, 10)}, nil, in)
	in.Close()
	if err != nil {
		return Sample{}, err
	}
	var report struct {
		End struct {
			Sent     struct{ Bytes int64 } `json:"sum_sent"`
			Received struct {
				Rate float64 `json:"bits_per_second"`
			} `json:"sum_received"`
		}
	}
	bad := json.NewDecoder(out).Decode(&report)
	used, _, err := client.Wait(patience)
	if err == nil {
		err = bad
	}
	used.Value, used.Bytes = report.End.Received.Rate/8e9, report.End.Sent.Bytes
	if err == nil && used.Value == 0 {
		err = fmt.Errorf("no figure in its report")
	}
	return used, err
}

// freePort is a port without a listener.
func freePort() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}
