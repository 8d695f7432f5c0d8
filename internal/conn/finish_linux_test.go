package conn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A wrapped is a Stream around another, as a filter is.
type wrapped struct{ Stream }

func (w wrapped) Unwrap() Stream { return w.Stream }

// arrive sends size bytes from peer to the socket at its other end, and returns when
// they are in that one's buffer or have been read.
func arrive(t *testing.T, peer, socket *Socket, size int) {
	t.Helper()
	_ = socket.Conn.(interface{ SetReadBuffer(int) error }).SetReadBuffer(2 * size)
	_ = peer.Conn.(interface{ SetWriteBuffer(int) error }).SetWriteBuffer(2 * size)
	if _, err := peer.Write(make([]byte, size)); err != nil {
		t.Error(err)
	}
	for peer.isTCP() && peer.Unacknowledged() > 0 {
		time.Sleep(time.Millisecond)
	}
}

var errTestClock = &Error{Why: Timeout, Err: errors.New("a clock")}

// Every byte that had arrived when a clock ends the conversation is written out or
// counted, in whichever of our buffers and of the kernel's it is.
func TestDrainStuckOutput(t *testing.T) {
	const first, rest = 140_000, 40_000
	for _, network := range []string{"tcp", "unix"} {
		for name, wrap := range map[string]func(*Socket) Stream{
			"bare":    func(s *Socket) Stream { return s },
			"wrapped": func(s *Socket) Stream { return wrapped{s} },
		} {
			t.Run(network+" "+name, func(t *testing.T) {
				t.Parallel()
				peer, socket := socketPair(t, network)
				hear, out, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				defer hear.Close()
				relay := &Relay{Local: &Stdio{In: empty(t), Out: out}, Remote: wrap(socket), Peer: "peer", RecvOnly: true}
				ctx, cancel := context.WithCancelCause(t.Context())
				done := make(chan Result, 1)
				go func() { done <- relay.Run(ctx) }()
				arrive(t, peer, socket, first)
				for _, n := relay.Counts(); n < 1<<16; _, n = relay.Counts() {
					time.Sleep(time.Millisecond) // the pump holds more than the pipe does
				}
				arrive(t, peer, socket, rest)
				cancel(errTestClock)
				r := <-done
				written, err := unix.IoctlGetInt(descriptor(hear), fionread) // a read would make room for more
				if err != nil {
					t.Fatal(err)
				}
				want := fmt.Sprintf("; standard output did not take %d bytes of what was received", first+rest-written)
				if r.Received != first+rest || r.Err == nil || !strings.HasSuffix(r.Err.Error(), want) {
					t.Errorf("%d bytes were written: %+v", written, r)
				}
			})
		}
	}
}

// empty returns a file that is at its end.
func empty(t *testing.T) *os.File {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// An output that takes its time gets all that had arrived, within drainMost.
func TestDrainSlowOutput(t *testing.T) {
	const size = 200_000
	peer, socket := socketPair(t, "tcp")
	hear, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer hear.Close()
	relay := &Relay{Local: &Stdio{In: empty(t), Out: out}, Remote: wrapped{socket}, Peer: "peer", RecvOnly: true}
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan Result, 1)
	go func() {
		done <- relay.Run(ctx)
		_ = relay.Local.CloseWrite()
	}()
	arrive(t, peer, socket, size)
	cancel(errTestClock)
	read := 0
	for buf := make([]byte, 8<<10); read < size; {
		n, err := hear.Read(buf)
		if read += n; err != nil {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if r := <-done; read != size || r.Received != size || strings.Contains(r.Err.Error(), "did not take") {
		t.Errorf("%d bytes of %d were written: %+v", read, size, r)
	}
}

// The bytes that a joined side did not take are counted, with those that were still to
// be read.
func TestDrainStuckJoined(t *testing.T) {
	peer, remote := socketPair(t, "tcp")
	to, local := socketPair(t, "tcp")
	_ = to.Conn.(interface{ SetReadBuffer(int) error }).SetReadBuffer(4 << 10)
	_ = local.Conn.(interface{ SetWriteBuffer(int) error }).SetWriteBuffer(16 << 10)
	relay := &Relay{Local: local, Remote: wrapped{remote}, Peer: "peer", To: "to"}
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan Result, 1)
	go func() { done <- relay.Run(ctx) }()
	arrive(t, peer, remote, 200_000)
	for _, n := relay.Counts(); n < 1<<16; _, n = relay.Counts() {
		time.Sleep(time.Millisecond)
	}
	cancel(errTestClock)
	r := <-done
	if want := int64(200_000 - to.readable()); r.Received != 200_000 || r.Undelivered != want ||
		!strings.Contains(r.Err.Error(), fmt.Sprintf("; %d bytes not delivered to to", want)) {
		t.Errorf("%d bytes were not delivered: %+v", want, r)
	}
}

// An endlessUpload has always more to send, in pieces as large as the reader wants.
type endlessUpload struct{ Stream }

func (endlessUpload) Read(p []byte) (int, error) { return len(p), nil }

// A write that the kernel took in part counts with that part.
func TestStuckUploadCounts(t *testing.T) {
	peer, socket := socketPair(t, "tcp")
	local, _, _ := newPipeSide()
	relay := &Relay{Local: endlessUpload{local}, Remote: socket, Peer: "peer", Idle: 200 * time.Millisecond}
	r := relay.Run(t.Context())
	if got, read := int64(peer.readable()), relay.send.read.Load(); r.Unacknowledged != read-got || r.Sent != read-r.Unsent {
		t.Errorf("the peer's kernel has %d bytes of %d: %+v", got, read, r)
	}
}

// A peer whose bytes had arrived when the output failed is reset: they were not taken.
func TestFailedOutputResets(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		peer, socket := socketPair(t, network)
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer full.Close()
		arrive(t, peer, socket, 200_000)
		r := (&Relay{Local: &Stdio{In: empty(t), Out: full}, Remote: socket, Peer: "peer", RecvOnly: true}).Run(t.Context())
		if KindOf(r.Err) != Local {
			t.Errorf("%s: %v", network, r.Err)
		}
		if err := pendingError(peer.raw); err == nil {
			t.Errorf("%s: the peer does not know that bytes were lost", network)
		}
	}
}
