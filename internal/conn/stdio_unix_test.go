//go:build unix

package conn

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A pausedStream pauses before its second Read, as a rate does.
type pausedStream struct {
	Stream
	first []byte // what the first Read returned
	over  chan struct{}
}

func (s *pausedStream) Unwrap() Stream { return s.Stream }

func (s *pausedStream) Read(p []byte) (int, error) {
	if s.first != nil {
		<-s.over
		return s.Stream.Read(p)
	}
	n, err := s.Stream.Read(p[:1])
	s.first = p[:n]
	return n, err
}

// TestHangupInPause: input that waits behind a pause when a Unix peer closes is not
// delivered, and an end of file is no input.
func TestHangupInPause(t *testing.T) {
	for _, input := range []string{"0", "0123456789"} {
		for name, open := range map[string]func() Stream{
			"pipe": func() Stream {
				r, w, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				_, _ = w.WriteString(input)
				w.Close()
				t.Cleanup(func() { r.Close() })
				return &Stdio{In: r, KeepOpen: true}
			},
			"file": func() Stream {
				name := filepath.Join(t.TempDir(), "input")
				_ = os.WriteFile(name, []byte(input), 0o600)
				f, err := os.Open(name)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { f.Close() })
				return &Stdio{In: f, KeepOpen: true}
			},
			"connection": func() Stream {
				a, b := socketPair(t, "tcp")
				_, _ = io.WriteString(b, input)
				_ = b.CloseWrite()
				for a.readable() < len(input) {
					time.Sleep(time.Millisecond)
				}
				return a
			},
		} {
			local := &pausedStream{Stream: open(), over: make(chan struct{})}
			remote, peer := socketPair(t, "unix")
			go func() {
				_, _ = peer.Read(make([]byte, 1))
				peer.Close()
			}()
			result := (&Relay{Local: local, Remote: remote, Peer: "peer"}).Run(t.Context())
			close(local.over)
			switch {
			case len(input) == 1:
				if result.Err != nil || result.Unsent != 0 {
					t.Errorf("%s: %+v", name, result)
				}
			case result.Unsent != 9 || result.Err == nil || result.Err.Error() != "send to peer after 10 bytes, 9 of them not delivered: the peer had ended":
				t.Errorf("%s: %+v", name, result)
			}
		}
	}
}

// TestStoppedInput: once a conversation reads no more of its input, what comes then stays
// in the pipe, for the next reader.
func TestStoppedInput(t *testing.T) {
	for i := range 20 { // a read that is left behind does not always win
		begin := strings.Repeat("first", i%2)
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			var ends [2]int // in blocking mode, as a shell's pipes are
			if err := unix.Pipe(ends[:]); err != nil {
				t.Fatal(err)
			}
			in, feed := os.NewFile(uintptr(ends[0]), "in"), os.NewFile(uintptr(ends[1]), "feed")
			defer in.Close()
			remote, peer := socketPair(t, "tcp")
			heard := make(chan string, 1)
			go func() {
				got := make([]byte, len(begin))
				_, _ = io.ReadFull(peer, got)
				_ = peer.CloseWrite()
				rest, _ := io.ReadAll(peer)
				heard <- string(got) + string(rest)
			}()
			if _, err := feed.WriteString(begin); err != nil {
				t.Fatal(err)
			}
			null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer null.Close()
			relay := &Relay{Local: &Stdio{In: in, Out: null, KeepOpen: true}, Remote: remote, Peer: "peer", QuitAfterPeer: new(time.Duration)}
			r := relay.Run(t.Context())
			if got := <-heard; got != begin || r.Err != nil {
				t.Fatalf("the peer heard %q, want %q; %v", got, begin, r.Err)
			}
			left := make(chan string, 1)
			go func() {
				got, _ := io.ReadAll(in)
				left <- string(got)
			}()
			if _, err := feed.WriteString("later"); err != nil {
				t.Fatal(err)
			}
			_ = feed.Close()
			if got := <-left; got != "later" {
				t.Errorf("the pipe has %q", got)
			}
		})
	}
}
