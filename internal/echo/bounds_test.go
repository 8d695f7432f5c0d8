package echo

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gcat/internal/tlsconn"

	"gcat/internal/conn"
)

// The bounds that SECURITY of gcat(7) names are written out here, so that a test fails
// if a constant grows.

// heap is what is allocated now; buffers in the pools do not count.
func heap() int64 {
	var m runtime.MemStats
	for range 3 { // a pool is emptied in two rounds
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// repliesOf is a packets whose replies are counted rather than sent.
func repliesOf(s *Server) (p *packets, sent *atomic.Int32) {
	s.Report, s.slots = func(Event) {}, newSlots(0, 0, 0, nil)
	p, sent = s.newPackets(Socket{}), new(atomic.Int32)
	p.lane.send = func([]byte, *conn.Sender) error { sent.Add(1); return nil }
	return p, sent
}

// ended returns a context that has ended.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// Delayed replies of an endpoint take 4 MiB, each its length and 512 bytes; with a
// target all peers share them.
func TestBoundDelayed(t *testing.T) {
	for name, target := range map[string]*Target{"echo": nil, "a target": {}} {
		t.Run(name, func(t *testing.T) {
			s := &Server{Faults: Faults{Delays: []Delay{{Min: time.Hour, Max: time.Hour}}}, To: target}
			p, _ := repliesOf(s)
			for i := range 513 {
				one := &p.lane
				if target != nil {
					one = &p.newHop(nil, new(conn.Sender), 1, down, true).lane
				}
				reply := &postponed{data: make([]byte, 8<<10-512), to: new(conn.Sender)}
				if got, want := one.postpone(reply, time.Hour, false), i < 512; got != want {
					t.Fatalf("reply %d of 8 KiB: %v", i+1, got)
				}
			}
			p.lane.finish(ended())
		})
	}
}

// The memory of delayed replies is what is counted, however short they are.
func TestBoundDelayedMemory(t *testing.T) {
	p, _ := repliesOf(&Server{Faults: Faults{Delays: []Delay{{Min: time.Hour, Max: time.Hour}}}})
	before, n := heap(), 0
	for ; p.lane.postpone(&postponed{data: make([]byte, 1), to: sender("127.0.0.1:5000").Clone()}, time.Hour, false); n++ {
	}
	if got := heap() - before; n != 4<<20/513 || got > 4<<20 {
		t.Errorf("%d replies of a byte take %d bytes", n, got)
	}
	p.lane.finish(ended())
}

// A reply that is held back for another one leaves after 1 s.
func TestBoundReorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		p, sent := repliesOf(&Server{Faults: Faults{Reorder: 1}})
		p.lane.applyFaults([]byte("x"), new(conn.Sender))
		at(began, 999*time.Millisecond)
		if sent.Load() != 0 {
			t.Error("it left at once")
		}
		at(began, time.Second)
		if sent.Load() != 1 {
			t.Error("it waits for longer than a second")
		}
	})
}

// The loop guard keeps 4096 entries, and a run ends after 10 s.
func TestBoundLoopGuard(t *testing.T) {
	g := newLoopGuard(1)
	for i := range uint64(100_000) {
		g.allows(binary.BigEndian.AppendUint64(nil, i), nil, int64(time.Hour))
	}
	if len(g.table) != 4096 || cap(g.table) != 4096 {
		t.Errorf("%d entries", len(g.table))
	}
	now := int64(2 * time.Hour)
	g.allows(nil, nil, now)
	if g.allows(nil, nil, now+int64(10*time.Second)-1) || !g.allows(nil, nil, now+int64(10*time.Second)) {
		t.Error("a run does not end after 10 s of silence")
	}
}

// A connection that is closed in order is read for 1 s.
func TestBoundDrain(t *testing.T) {
	for name, s := range map[string]*Server{"fast path": {}, "goroutine": {Service: Discard}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			closed := make(chan time.Duration, 1)
			s.Deadline, s.Trace = 20*time.Millisecond, true
			s.Report = func(e Event) {
				if e.Kind == Closed {
					closed <- e.Duration
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan int)
			go func() { done <- s.Serve(ctx, 0, []Socket{{Handed: conn.Handed{Listener: l}}}) }()
			defer func() { cancel(); <-done }()
			peer, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer peer.Close()
			go func() { _, _ = io.Copy(io.Discard, peer) }() // ends with the connection
			go func() {                                      // ends with the connection
				for err := error(nil); err == nil; time.Sleep(time.Millisecond) {
					_, err = peer.Write([]byte("x"))
				}
			}()
			if d := <-closed; d < 1020*time.Millisecond || d > 1500*time.Millisecond {
				t.Errorf("it lasted %v, want its 20ms and a second", d)
			}
		})
	}
}

// A TLS handshake has 10 s, or the idle limit if that is shorter.
func TestBoundHandshake(t *testing.T) {
	config, err := tlsconn.Options{}.ServerConfig()
	if err != nil {
		t.Fatal(err)
	}
	for idle, want := range map[time.Duration]time.Duration{0: 10 * time.Second, time.Minute: 10 * time.Second, 3 * time.Second: 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			peer, ours := net.Pipe()
			defer peer.Close()
			s := &Server{Idle: idle}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan int)
			go func() { done <- s.Serve(ctx, 0, []Socket{{Handed: conn.Handed{Conn: ours}, TLS: config}}) }()
			at(began, want-time.Millisecond)
			if s.Totals.Now.Load() != 1 {
				t.Errorf("-w %v: it has less than %v", idle, want)
			}
			at(began, want)
			if s.Totals.Now.Load() != 0 {
				t.Errorf("-w %v: it has more than %v", idle, want)
			}
			cancel()
			<-done
		})
	}
}

// 1000 TLS connections may be in their handshake.
func TestBoundHandshakes(t *testing.T) {
	g := newSlots(1, 0, 0, nil)
	for i := range 1001 {
		if got, want := g.take(true), i < 1000; got != want {
			t.Fatalf("handshake %d: %v", i+1, got)
		}
	}
}
