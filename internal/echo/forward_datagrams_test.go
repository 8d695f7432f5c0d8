package echo

import (
	"bytes"
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"gcat/internal/conn"
)

// forwardUDP forwards UDP by s to a server that echoes. It returns a client, and the
// events that s reports.
func forwardUDP(t *testing.T, s *Server, grace time.Duration) (client net.Conn, events <-chan Event, stop func()) {
	t.Helper()
	bind := func(host string) net.Conn {
		c, err := conn.ListenConfig{}.ListenPacket(t.Context(), conn.Endpoint{Network: "udp4", Host: host, Port: "0"})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	target, socket := bind("127.0.0.1"), bind("")
	reported := make(chan Event, 100)
	s.Report, s.Trace = func(e Event) { reported <- e }, true
	if s.To == nil {
		s.To = &Target{Down: true}
	}
	if s.To.Dial == nil {
		s.To.Dial = func(ctx context.Context) (conn.Stream, error) {
			return new(conn.Dialer).DialDatagrams(ctx, conn.EndpointOf(target.LocalAddr()))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int)
	go func() { done <- s.Serve(ctx, grace, []Socket{{Handed: conn.Handed{Packet: socket}}}) }()
	go func() { done <- new(Server).Serve(ctx, 0, []Socket{{Handed: conn.Handed{Packet: target}}}) }()
	t.Cleanup(func() { cancel(); <-done; <-done })
	_, port, _ := net.SplitHostPort(socket.LocalAddr().String())
	client, err := net.Dial("udp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client, reported, cancel
}

// await returns the next event of that kind, and those before it.
func await(t *testing.T, events <-chan Event, kind EventKind) (e Event, before []Event) {
	t.Helper()
	for {
		select {
		case e = <-events:
		case <-time.After(time.Minute):
			t.Fatalf("no such event after %v", before)
		}
		if e.Kind == kind {
			return e, before
		}
		before = append(before, e)
	}
}

// A peer that is forgotten between its datagrams sends no run of identical ones: the
// loop guard counts datagrams, not peers.
func TestForwardLoopGuard(t *testing.T) {
	client, events, _ := forwardUDP(t, &Server{LoopGuard: 2, Idle: time.Millisecond}, 0)
	for _, text := range []string{"1", "2", "3", "4"} {
		if _, err := client.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		_, before := await(t, events, Closed)
		if slices.ContainsFunc(before, func(e Event) bool { return e.Kind == Looped }) {
			t.Errorf("datagram %s: %v", text, before)
		}
	}
}

// The count of what a peer was sent has only what left, and each fault names the peer's
// connection.
func TestForwardLoss(t *testing.T) {
	s := &Server{Faults: Faults{Loss: 1}, Idle: time.Millisecond}
	client, events, _ := forwardUDP(t, s, 0)
	if _, err := client.Write([]byte("lost")); err != nil {
		t.Fatal(err)
	}
	closed, before := await(t, events, Closed)
	if closed.Received != 4 || closed.Sent != 0 || s.Totals.Sent.Load() != 0 {
		t.Errorf("received %d, sent %d, in all %d", closed.Received, closed.Sent, s.Totals.Sent.Load())
	}
	for _, e := range before {
		if e.Number != closed.Number {
			t.Errorf("%+v has not the number of %+v", e, closed)
		}
	}
}

// A datagram that is refused has been received: the totals count it as both.
func TestForwardRefused(t *testing.T) {
	s := &Server{Permits: func(net.Addr) bool { return false }}
	client, events, _ := forwardUDP(t, s, 0)
	if _, err := client.Write([]byte("refused")); err != nil {
		t.Fatal(err)
	}
	await(t, events, RefusedByRule)
	if got, unanswered := s.Totals.Datagrams.Load(), s.Totals.Unanswered.Load(); got != 1 || unanswered != 1 {
		t.Errorf("%d datagrams, %d of them unanswered", got, unanswered)
	}
}

// With all peers in use, one that waits for its answer is replaced, and that is reported.
func TestForwardReplaced(t *testing.T) {
	silent, err := conn.ListenConfig{}.ListenPacket(t.Context(), conn.Endpoint{Network: "udp4", Host: "127.0.0.1", Port: "0"})
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	s := &Server{MaxConns: 1, To: &Target{Dial: func(ctx context.Context) (conn.Stream, error) {
		return new(conn.Dialer).DialDatagrams(ctx, conn.EndpointOf(silent.LocalAddr()))
	}}}
	client, events, _ := forwardUDP(t, s, 0)
	other, err := net.Dial("udp", client.RemoteAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	_, _ = client.Write([]byte("question"))
	await(t, events, Accepted)
	_, _ = other.Write([]byte("question"))
	failed, _ := await(t, events, Failed)
	closed, _ := await(t, events, Closed)
	if conn.KindOf(failed.Err) != conn.Local || closed.EndedBy != "local" || closed.Number != 1 || failed.Number != 1 {
		t.Errorf("%+v, %+v", failed, closed)
	}
}

// A fullStream takes nothing until it is closed.
type fullStream struct{ closed chan struct{} }

func (s *fullStream) Read([]byte) (int, error)    { <-s.closed; return 0, net.ErrClosed }
func (s *fullStream) Write(p []byte) (int, error) { <-s.closed; return len(p), nil }
func (s *fullStream) CloseWrite() error           { return nil }

// Datagrams that the target does not take in time are counted and reported.
func TestForwardDropped(t *testing.T) {
	full := &fullStream{make(chan struct{})}
	s := &Server{To: &Target{Dial: func(context.Context) (conn.Stream, error) { return full, nil }}}
	client, events, _ := forwardUDP(t, s, 0)
	for range 100 {
		if _, err := client.Write(make([]byte, 32<<10)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond) // the receive buffer has room for few of them
	}
	close(full.closed)
	dropped, _ := await(t, events, Noticed)
	if !strings.Contains(dropped.What, "dropped") || dropped.Number != 1 || s.Totals.Dropped.Load() == 0 {
		t.Errorf("%d are counted: %+v", s.Totals.Dropped.Load(), dropped)
	}
}

// A delayed answer comes although the idle limit is shorter than the delay, and although
// gecho is to end meanwhile.
func TestForwardDelayed(t *testing.T) {
	for name, s := range map[string]*Server{"idle limit": {Idle: 20 * time.Millisecond}, "signal": {}} {
		t.Run(name, func(t *testing.T) {
			s.Faults.Delays = []Delay{{Min: 200 * time.Millisecond, Max: 200 * time.Millisecond}}
			client, events, stop := forwardUDP(t, s, time.Minute)
			if _, err := client.Write([]byte("question")); err != nil {
				t.Fatal(err)
			}
			await(t, events, Faulted)
			if name == "signal" {
				stop()
			}
			_ = client.SetReadDeadline(time.Now().Add(10 * time.Second))
			if _, err := client.Read(make([]byte, 10)); err != nil {
				t.Error(err)
			}
		})
	}
}

// A datagram whose delay is longer than the grace is reported and counted.
func TestForwardCutShort(t *testing.T) {
	for _, to := range []*Target{{Down: true}, {Up: true}} {
		s := &Server{To: to, Faults: Faults{Delays: []Delay{{Min: time.Hour}}}}
		client, events, stop := forwardUDP(t, s, time.Millisecond)
		if _, err := client.Write([]byte("question")); err != nil {
			t.Fatal(err)
		}
		await(t, events, Faulted)
		stop()
		e, _ := await(t, events, Noticed)
		if !strings.HasSuffix(e.What, "still delayed at the end") || e.Number != 1 || s.Totals.Unanswered.Load() != 1 {
			t.Errorf("%+v, %d unanswered", e, s.Totals.Unanswered.Load())
		}
	}
}

// A recorder keeps what is written to it.
type recorder struct {
	conn.Stream
	written [][]byte
}

func (r *recorder) Write(p []byte) (int, error) {
	r.written = append(r.written, bytes.Clone(p))
	return len(p), nil
}

// Each peer has its own faults, and so has each direction: else a probability would be that
// of losing all peers' first datagrams, and a target that echoes would undo a flipped bit.
func TestForwardDice(t *testing.T) {
	hop := func(faults Faults, connection int64, direction string) (*hop, *recorder) {
		p := (&Server{To: new(Target), Faults: faults}).newPackets(Socket{})
		written := new(recorder)
		return p.newHop(written, new(conn.Sender), connection, direction, true), written
	}
	for seed := range uint64(20) {
		answered, damaged := 0, 0
		for peer := range int64(40) {
			toPeer, got := hop(Faults{Loss: 0.5, Seed: seed}, peer, down)
			_, _ = toPeer.Write([]byte("question"))
			answered += len(got.written)

			both := Faults{Corrupt: 1, Seed: seed}
			toTarget, asked := hop(both, peer, up)
			_, _ = toTarget.Write(make([]byte, 100))
			toPeer, got = hop(both, peer, down)
			_, _ = toPeer.Write(asked.written[0])
			if !bytes.Equal(got.written[0], make([]byte, 100)) {
				damaged++
			}
		}
		if answered < 8 || answered > 32 || damaged < 38 {
			t.Errorf("seed %d: %d of 40 answered, %d damaged", seed, answered, damaged)
		}
	}
}
