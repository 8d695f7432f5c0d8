//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Ends puts each tool, at its defaults, into a dozen situations in which data is
// lost or a process hangs, and prints what each of them does as a table in
// Markdown (go run ./internal/bench ends): what is right is bold.

// endsBound is how long a tool may take until it counts as hung: the slowest
// right answer takes 1.5 s.
const endsBound = 10 * time.Second

// A situation is one row: what the other side does, and what the tool is given.
type situation struct {
	name string
	// udp makes it a conversation in datagrams, listen makes the tool the listener.
	udp, listen bool
	// peer is the other side's part.
	peer func(net.Conn)
	// stdin returns what the tool reads, from its pipe's writing end.
	stdin func(w *os.File)
	// shell is put behind the command, for redirections.
	shell string
	// want is what must reach standard output (or, for a listener, the peer).
	want string
	// fails is set if the tool should report a failure, 0 otherwise.
	fails bool
	// piped is set if it should die of SIGPIPE, as cat does.
	piped bool
}

// An endsTool is one column.
type endsTool struct {
	name, program            string
	connect, udp, listenArgs string
}

var endsTools = []endsTool{
	{"gcat", "gcat", "127.0.0.1 PORT", "-u 127.0.0.1 PORT", "-l 127.0.0.1 PORT"},
	{"nc.openbsd", "nc.openbsd", "127.0.0.1 PORT", "-u 127.0.0.1 PORT", "-l 127.0.0.1 PORT"},
	{"ncat", "ncat", "127.0.0.1 PORT", "-u 127.0.0.1 PORT", "-l 127.0.0.1 PORT"},
	{"socat", "socat", "- TCP:127.0.0.1:PORT", "- UDP:127.0.0.1:PORT", "- TCP-LISTEN:PORT,bind=127.0.0.1,reuseaddr"},
}

func write(text string) func(*os.File) {
	return func(w *os.File) { _, _ = io.WriteString(w, text); w.Close() }
}

// open leaves standard input open and silent, until the tool has ended.
func open(*os.File) {}

func flood(w *os.File) {
	_, _ = w.Write(make([]byte, 20<<20))
	w.Close()
}

func discard(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func reset(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }

var situations = []situation{
	{name: "the answer comes 1 s after our end of file", stdin: write("x"), want: "answer", peer: func(c net.Conn) {
		discard(c)
		time.Sleep(time.Second)
		_, _ = io.WriteString(c, "answer")
	}},
	{name: "the answer comes after 0.3 s, UDP", udp: true, stdin: write("x"), want: "answer", peer: func(c net.Conn) {
		time.Sleep(300 * time.Millisecond)
		_, _ = io.WriteString(c, "answer")
	}},
	{name: "a listener's answer comes 1 s after the client's end of file", listen: true, want: "answer",
		stdin: func(w *os.File) { time.Sleep(1500 * time.Millisecond); write("answer")(w) },
		peer:  func(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite() }},
	{name: "the peer has closed, then input comes", fails: true, peer: func(net.Conn) {},
		stdin: func(w *os.File) {
			time.Sleep(500 * time.Millisecond)
			_, _ = io.WriteString(w, "one\n")
			time.Sleep(500 * time.Millisecond)
			write("two\n")(w)
		}},
	{name: "the peer resets in the middle of an upload", stdin: flood, fails: true, peer: func(c net.Conn) {
		_, _ = io.CopyN(io.Discard, c, 100_000)
		reset(c)
	}},
	{name: "the peer resets in the middle of its answer", stdin: write("x"), want: "part", fails: true, peer: func(c net.Conn) {
		discard(c)
		_, _ = io.WriteString(c, "part")
		time.Sleep(500 * time.Millisecond)
		reset(c)
	}},
	{name: "the peer closes without having read", stdin: write("hello"), fails: true, peer: func(net.Conn) {
		time.Sleep(500 * time.Millisecond)
	}},
	{name: "`413` and close in the middle of an upload", stdin: flood, want: "413", fails: true, peer: func(c net.Conn) {
		_, _ = io.CopyN(io.Discard, c, 100_000)
		_, _ = io.WriteString(c, "413")
	}},
	{name: "nothing listens on the UDP port", udp: true, stdin: write("x"), fails: true},
	{name: "standard output is a full disk", stdin: write("x"), shell: ">/dev/full", fails: true, peer: func(c net.Conn) {
		_, _ = io.WriteString(c, "answer")
		discard(c)
	}},
	{name: "standard input is closed (`<&-`)", stdin: write(""), shell: "<&-", want: "answer", peer: func(c net.Conn) {
		_, _ = io.WriteString(c, "answer")
	}},
	{name: "standard input is a directory", stdin: write(""), shell: "</", fails: true, peer: discard},
	{name: "the reader of standard output leaves, the line is silent", stdin: open, shell: "| head -c 1", want: "a", piped: true, peer: func(c net.Conn) {
		_, _ = io.WriteString(c, "ab")
		discard(c)
	}},
}

// installed are the tools that this machine has, ours first.
func (b *Bench) installed() (tools []endsTool) {
	for _, t := range endsTools {
		if t.program == "gcat" {
			t.program = b.Binary("gcat")
		}
		if path, err := exec.LookPath(t.program); err == nil {
			t.program = path
			tools = append(tools, t)
		}
	}
	return tools
}

// ends prints the table.
func (b *Bench) ends(out io.Writer) error {
	tools := b.installed()
	cells := make([][]string, len(situations))
	var all sync.WaitGroup
	for i, s := range situations {
		cells[i] = make([]string, len(tools))
		for j, t := range tools {
			all.Go(func() { cells[i][j] = s.meet(b.Context, t) })
		}
	}
	all.Wait()
	header, rule := "| situation |", "|---|"
	for _, t := range tools {
		header, rule = header+" "+t.name+" |", rule+"---|"
	}
	fmt.Fprintln(out, header)
	fmt.Fprintln(out, rule)
	for i, s := range situations {
		fmt.Fprintf(out, "| %s | %s |\n", s.name, strings.Join(cells[i], " | "))
	}
	return b.Context.Err()
}

// meet runs one tool in the situation and returns what it did in a few words.
func (s situation) meet(ctx context.Context, t endsTool) string {
	ctx, cancel := context.WithTimeout(ctx, endsBound)
	defer cancel()
	port, peer, err := s.start(ctx)
	if err != nil {
		return err.Error()
	}
	words := t.connect
	switch {
	case s.listen:
		words = t.listenArgs
	case s.udp:
		words = t.udp
	}
	line := t.program + " " + strings.ReplaceAll(words, "PORT", fmt.Sprint(port)) + " " + s.shell
	cmd := exec.CommandContext(ctx, "bash", "-c", line+"; exit ${PIPESTATUS[0]}")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	r, w, err := os.Pipe()
	if err != nil {
		return err.Error()
	}
	defer w.Close()
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r, &stdout, &stderr
	if err := cmd.Start(); err != nil {
		return err.Error()
	}
	r.Close()
	go s.stdin(w)
	err = cmd.Wait()
	if ctx.Err() != nil {
		return "hangs"
	}
	got := stdout.String()
	if s.listen {
		got = <-peer
	}
	return s.verdict(got, err, stderr.Len() > 0)
}

// start starts the other side, and returns its port; for a listener the port is
// the tool's, and what the peer received comes by the channel.
func (s situation) start(ctx context.Context) (port int, received chan string, err error) {
	if s.udp {
		c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return 0, nil, err
		}
		port = c.LocalAddr().(*net.UDPAddr).Port
		if s.peer == nil {
			return port, nil, c.Close()
		}
		go func() {
			defer c.Close()
			_, from, err := c.ReadFromUDP(make([]byte, 100))
			if err == nil {
				s.peer(datagramPeer{c, from})
			}
			<-ctx.Done()
		}()
		return port, nil, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, nil, err
	}
	port = l.Addr().(*net.TCPAddr).Port
	if !s.listen {
		go func() {
			defer l.Close()
			c, err := l.Accept()
			if err == nil {
				s.peer(c)
				c.Close()
			}
		}()
		return port, nil, nil
	}
	l.Close()
	received = make(chan string, 1)
	go func() {
		for ctx.Err() == nil {
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				time.Sleep(20 * time.Millisecond)
				continue
			}
			s.peer(c)
			data, _ := io.ReadAll(c)
			c.Close()
			received <- string(data)
			return
		}
	}()
	return port, received, nil
}

// A datagramPeer writes to where a datagram came from.
type datagramPeer struct {
	*net.UDPConn
	to *net.UDPAddr
}

func (d datagramPeer) Write(p []byte) (int, error) { return d.WriteToUDP(p, d.to) }

// verdict says what the tool did: what arrived, its status, and whether it
// said why.
func (s situation) verdict(got string, err error, said bool) string {
	status := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		status = exit.ExitCode()
	} else if err != nil {
		return err.Error()
	}
	var words []string
	if got != s.want && s.want != "" {
		words = append(words, "`"+s.want+"` lost")
	}
	words = append(words, fmt.Sprintf("status %d", status))
	if s.fails && !said {
		words = append(words, "silent")
	}
	text := strings.Join(words, ", ")
	right := (status != 0) == s.fails && said == s.fails
	if s.piped {
		right = status == 128+int(syscall.SIGPIPE)
	}
	if right && (got == s.want || s.want == "") {
		return "**" + text + "**"
	}
	return text
}
