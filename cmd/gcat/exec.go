package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gcat/internal/cli"
	"gcat/internal/conn"
)

// execFlags are the options of peers that talk to a command.
type execFlags struct {
	Exec string `short:"e" placeholder:"CMD" group:"listen" help:"Serve by sh -c CMD." filled:""`
}

// checkExec refuses what does not go with a command.
func (g *gcat) checkExec(where conn.Endpoint) error {
	switch {
	case g.Exec == "":
		return nil
	case where.Datagram() || where.Network == "unixpacket":
		return cli.Usagef("cannot use -e with %s", where.Network)
	case g.SendOnly:
		return cli.Usagef("cannot use -e with --send-only")
	case g.RecvOnly:
		return cli.Usagef("cannot use -e with -d")
	}
	return nil
}

// warnExec tells whoever may reach the command.
func (g *gcat) warnExec(bound conn.Endpoint) {
	if g.Exec == "" || bound.Unix() || len(g.Allow) > 0 {
		return
	}
	if ip, err := netip.ParseAddr(bound.Host); err == nil && !ip.IsLoopback() {
		g.log.Infof(1, "warning: whoever can reach %s runs %q here (--allow says who may)", bound.Address(), g.Exec)
	}
}

// run gives the peer its command: the socket itself where nobody has to look at
// the bytes, a relay otherwise. It returns when the command and the connection
// have ended.
func (g *gcat) command(ctx context.Context, c net.Conn, where conn.Endpoint) error {
	cmd := exec.Command("/bin/sh", "-c", g.Exec)
	cmd.Stderr = os.Stderr
	cmd.Env = append(slices.DeleteFunc(os.Environ(), private), ucspi(c)...)
	ownGroup(cmd)
	if g.handsOver(c) {
		return g.handOver(ctx, cmd, c, where)
	}
	return g.relayCommand(ctx, cmd, c, where)
}

// handsOver reports whether the command can have the socket itself: nobody has
// to encrypt its bytes, and the idle limit can count them without seeing them.
func (g *gcat) handsOver(c net.Conn) bool {
	switch c.(type) {
	case *net.TCPConn:
		return canHandOver && (canCount || g.idleLimit() == 0) && !g.looksAtBytes()
	case *net.UnixConn:
		return canHandOver && g.idleLimit() == 0 && !g.looksAtBytes()
	}
	return false
}

// private reports whether a variable of ours is no business of a peer's command:
// a secret, or what another UCSPI server said of another connection.
func private(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	switch name {
	case passwordVariable, "PROTO", "TCPREMOTEIP", "TCPREMOTEPORT", "TCPREMOTEHOST", "TCPREMOTEINFO",
		"TCPLOCALIP", "TCPLOCALPORT", "TCPLOCALHOST":
		return true
	}
	return false
}

// ucspi describes the connection as tcpserver(1) does in the environment of its
// programs. Addresses are not looked up.
func ucspi(c net.Conn) []string {
	local, ok := c.LocalAddr().(*net.TCPAddr)
	remote, both := c.RemoteAddr().(*net.TCPAddr)
	if !ok || !both {
		return []string{"PROTO=" + strings.ToUpper(strings.TrimRight(c.LocalAddr().Network(), "46"))}
	}
	ip := func(a *net.TCPAddr) string { return a.AddrPort().Addr().Unmap().String() }
	return []string{
		"PROTO=TCP",
		"TCPLOCALIP=" + ip(local), "TCPLOCALPORT=" + strconv.Itoa(local.Port),
		"TCPREMOTEIP=" + ip(remote), "TCPREMOTEPORT=" + strconv.Itoa(remote.Port),
	}
}

// failure is how a command ended, if not well.
func (g *gcat) failure(err error) error {
	if err == nil {
		return nil
	}
	words := conn.Words(err)
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		words = e.String()
	}
	return &conn.Error{Why: conn.Local, Op: fmt.Sprintf("command %.200q", g.Exec), Err: errors.New(words)}
}

// How long a command may take to heed SIGTERM before SIGKILL comes.
const heed = time.Second

// await waits until cmd and what it left behind have ended; when ctx ends, it
// ends them.
func await(ctx context.Context, cmd *exec.Cmd) error {
	ended := make(chan error, 1)
	go func() { // ends with the command's last process
		err := cmd.Wait()
		reapGroup(cmd.Process.Pid)
		ended <- err
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	signalGroup(cmd.Process.Pid, syscall.SIGTERM)
	select {
	case err := <-ended:
		return err
	case <-time.After(heed):
	}
	signalGroup(cmd.Process.Pid, syscall.SIGKILL)
	return <-ended
}

// relayCommand copies between the peer and the command's standard streams.
func (g *gcat) relayCommand(ctx context.Context, cmd *exec.Cmd, c net.Conn, where conn.Endpoint) error {
	remote, socket := sides(c, new(conn.Progress))
	s, err := startCommand(ctx, cmd, remote)
	if err != nil {
		_ = conn.CloseInOrder(c, farewellGlance)
		return g.failure(err)
	}
	progress := new(conn.Progress)
	socket.Watch(progress)
	relay := &conn.Relay{
		Local: g.wrapLocal(s, progress, false), Remote: g.wrapRemote(remote, g.peerName(c, where)),
		Socket: socket, Peer: g.peerName(c, where), Progress: progress,
		Idle: g.idleLimit(), QuitAfter: new(time.Duration), // the command's end is the end
	}
	defer g.counting(relay)()
	result := relay.Run(ctx)
	first := s.before(result.Err)
	g.closed(c, relay, result)
	s.end(result.Err)
	if result.Err != nil && !(first && s.err != nil && s.itself) {
		return result.Err // the command's own failure follows from it
	}
	return g.failure(s.err)
}

// A commandStream is a command as the local side of a relay. Its input ends
// when the command has ended; if it merely closes its output, the peer is told
// at once, but goes on being heard.
type commandStream struct {
	in, out *os.File // our ends of its pipes
	remote  conn.Stream
	kill    context.CancelFunc
	ended   chan struct{} // closed when the command has ended; then err says how
	err     error
	itself  bool        // nobody had asked it to
	told    atomic.Bool // the peer, of the end of its output
	*farewell
}

func startCommand(ctx context.Context, cmd *exec.Cmd, remote conn.Stream) (*commandStream, error) {
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirIn.Close()
	out, theirOut, err := os.Pipe()
	if err != nil {
		_ = in.Close()
		return nil, err
	}
	defer theirOut.Close()
	cmd.Stdin, cmd.Stdout = theirIn, theirOut
	if err := cmd.Start(); err != nil {
		_, _ = in.Close(), out.Close()
		return nil, err
	}
	ctx, kill := context.WithCancel(ctx)
	s := &commandStream{in: in, out: out, remote: remote, kill: kill, ended: make(chan struct{}), farewell: newFarewell()}
	go func() { // ends with the command
		s.err = await(ctx, cmd)
		s.itself = ctx.Err() == nil
		close(s.ended)
	}()
	return s, nil
}

func (s *commandStream) Read(p []byte) (int, error) {
	n, err := s.out.Read(p)
	if err == io.EOF {
		s.told.Store(true)
		_ = s.remote.CloseWrite() // the relay does it again, and hears of failures
		<-s.ended
		s.wait()
	}
	return n, err
}

// Write gives the command its input. What it does not want to read is thrown
// away, as it would be with the socket in its hands.
func (s *commandStream) Write(p []byte) (int, error) {
	_, _ = s.farewell.Write(p)
	n, err := s.in.Write(p)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed) {
		return len(p), nil
	}
	return n, err
}

func (s *commandStream) CloseWrite() error {
	s.done()
	return s.in.Close()
}

// before reports whether the command had ended before err ended the conversation,
// or its output had, to which err is the peer's answer.
func (s *commandStream) before(err error) bool {
	select {
	case <-s.ended:
		return true
	default:
	}
	e, ok := errors.AsType[*conn.Error](err)
	return ok && e.Why == conn.CutShort && s.told.Load()
}

// end takes the pipes away and waits for the command. A clock that passed for
// the connection has passed for the command, too.
func (s *commandStream) end(err error) {
	if e, ok := errors.AsType[*conn.Error](err); ok && e.Why == conn.Timeout {
		s.kill()
	}
	_, _ = s.in.Close(), s.out.Close() // one may be closed already
	<-s.ended
	s.kill()
}

// A farewell waits for a peer that may still be sending although nobody wants
// to read it: until its end, until it has been quiet, or not much longer.
type farewell struct {
	ended chan struct{}
	once  sync.Once
	heard atomic.Int64 // bytes
}

// A peer that sends nothing is given a glance; one that has been sending may
// only be slow.
const (
	farewellGlance = 100 * time.Millisecond
	farewellQuiet  = time.Second
	farewellMost   = 10 * time.Second
)

func newFarewell() *farewell { return &farewell{ended: make(chan struct{})} }

// Write notes that the peer has sent p.
func (f *farewell) Write(p []byte) (int, error) {
	f.heard.Add(int64(len(p)))
	return len(p), nil
}

// done notes that the peer has ended.
func (f *farewell) done() { f.once.Do(func() { close(f.ended) }) }

func (f *farewell) wait() {
	tick := time.NewTicker(farewellGlance)
	defer tick.Stop()
	heard, quiet, sending := f.heard.Load(), time.Duration(0), false
	for end := time.Now().Add(farewellMost); time.Now().Before(end); {
		select {
		case <-f.ended:
			return
		case <-tick.C:
		}
		if now := f.heard.Load(); now != heard {
			heard, quiet, sending = now, 0, true
			continue
		}
		if quiet += farewellGlance; !sending || quiet >= farewellQuiet {
			return
		}
	}
}
