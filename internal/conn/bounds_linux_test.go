package conn

import (
	"context"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// The bounds that SECURITY of gcat(7) names are written out here, so that a test fails
// if a constant grows.

// A pieceMeter is an input of n full pieces; it keeps the size of the largest.
type pieceMeter struct {
	Stream
	n       int
	largest int
}

func (m *pieceMeter) Read(p []byte) (int, error) {
	m.largest = max(m.largest, len(p))
	if m.n--; m.n < 0 {
		return 0, io.EOF
	}
	return len(p), nil
}

// A direction has a buffer of 64 KiB, and one of 256 KiB when it is busy.
func TestBoundBuffer(t *testing.T) {
	for pieces, want := range map[int]int{0: 64 << 10, 50: 256 << 10} {
		side, _, _ := newPipeSide()
		remote, say, hear := newPipeSide()
		_ = say.Close()
		go func() { _, _ = io.Copy(io.Discard, hear) }()
		local := &pieceMeter{Stream: side, n: pieces}
		if r := (&Relay{Local: local, Remote: remote, Peer: "peer"}).Run(t.Context()); r.Err != nil || local.largest != want {
			t.Errorf("%d pieces: read into %d bytes, want %d: %+v", pieces, local.largest, want, r)
		}
	}
}

// The private pipe, and the pipe that is standard output, have 1 MiB.
func TestBoundPipe(t *testing.T) {
	_, socket := socketPair(t, "tcp")
	r, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer out.Close()
	stdio := &Stdio{Out: out}
	path := aDirection(socket, stdio)
	defer path.close()
	if !path.prepare() {
		t.Fatal("no pipe")
	}
	for name, fd := range map[string]int{"private pipe": path.pipe[1], "standard output": stdio.out} {
		if n, err := unix.FcntlInt(uintptr(fd), unix.F_GETPIPE_SZ, 0); n != 1<<20 || err != nil {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
	}
}

// A slowOutput takes a byte at each pause, or nothing for ever if that is 0.
type slowOutput struct {
	Stream
	pause    time.Duration
	gone     chan struct{}
	progress *Progress
}

func (s *slowOutput) Watch(p *Progress) { s.progress = p }

func (s *slowOutput) Read([]byte) (int, error) { <-s.gone; return 0, io.EOF }

func (s *slowOutput) Write(p []byte) (int, error) {
	if s.pause == 0 {
		<-s.gone
		return 0, io.EOF
	}
	for range p {
		time.Sleep(s.pause)
		s.progress.Touch()
	}
	return len(p), nil
}

// After a clock an output has 2 s for what has arrived, as long as it takes some of it.
func TestBoundDrain(t *testing.T) {
	for pause, want := range map[time.Duration]time.Duration{50 * time.Millisecond: 2 * time.Second, 0: 100 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			peer, c := net.Pipe()
			output := &slowOutput{pause: pause, gone: make(chan struct{})}
			relay := &Relay{Local: output, Remote: NewSocket(c), Peer: "peer", RecvOnly: true}
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Minute, func() { cancel(errTestClock) })
			go func() { _, _ = peer.Write(make([]byte, 2000)) }()
			r := relay.Run(ctx)
			if took := r.Duration - time.Minute; took != want {
				t.Errorf("%v between two bytes: the drain took %v, want %v", pause, took, want)
			}
			close(output.gone)
			_ = peer.Close()
			time.Sleep(time.Hour) // the pump ends
		})
	}
}

// 100 peers of datagrams are known at once, for a minute without a datagram, and 256 KiB of
// each wait.
func TestBoundPeers(t *testing.T) {
	d := peersTest(t, Endpoint{Network: "udp", Host: "127.0.0.1", Port: "0"})
	d.Keep = true
	var first, last *DatagramPeer
	for i := range 101 {
		c, err := net.Dial("udp", d.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = c.Write(nil)
		if last, err = d.Accept(); err != nil {
			t.Fatal(err)
		}
		switch i {
		case 0:
			first = last
			for range 33 {
				d.take(make([]byte, 8<<10-64), first.Sender, false)
			}
		case 99:
			if !first.known() {
				t.Error("one of 100 is forgotten")
			}
		}
	}
	for range 1 + 31 { // the empty one, and those of 8 KiB
		if _, err := first.Read(nil); err != nil {
			t.Error(err)
		}
	}
	if n := first.Dropped(); n != 2 {
		t.Errorf("%d datagrams are dropped, want 2", n)
	}
	if _, err := first.Read(nil); KindOf(err) != Local {
		t.Errorf("the first one is not replaced: %v", err)
	}
	if len(d.peers) != 100 || PeerMemory != time.Minute {
		t.Errorf("%d peers, for %v", len(d.peers), PeerMemory)
	}
}
