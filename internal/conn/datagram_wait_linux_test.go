package conn

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gcat/internal/testing/script"
)

// An output that is not read ends a client that waits for answers no later than one over a
// connection: at a time limit or a signal, and with a line on what was not taken.
func TestDatagramOutputFull(t *testing.T) {
	limit := 50 * time.Millisecond
	for name, relay := range map[string]*Relay{
		"idle limit": {Idle: limit},
		"quit after": {QuitAfter: &limit},
		"signal":     {},
	} {
		t.Run(name, func(t *testing.T) {
			peer := script.UDPPeer(t, "127.0.0.1:0")
			d := dialUDP(t, peer.LocalAddr().String())
			d.Wait = time.Minute
			if name != "signal" {
				d.Wait = limit
			}
			r, out, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			size, _ := unix.FcntlInt(out.Fd(), unix.F_GETPIPE_SZ, 0)
			_, _ = out.Write(make([]byte, size))
			written := make(chan error, 1)
			relay.Local = reportingStream{&Stdio{In: empty(t), Out: out}, written}
			relay.Remote, relay.Peer = d, "peer"
			_, _ = d.Write([]byte("ping"))
			_, from, err := peer.ReadFrom(make([]byte, 10))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = peer.WriteTo([]byte("answer"), from)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			if name == "signal" {
				go func() {
					for _, received := relay.Counts(); received == 0; _, received = relay.Counts() {
						time.Sleep(time.Millisecond)
					}
					cancel(errors.New("a signal"))
				}()
			}
			start := time.Now()
			result := relay.Run(ctx)
			if took := time.Since(start); took > time.Second {
				t.Errorf("it took %v", took)
			}
			_ = r.Close() // out stays open: the watcher of the output may still poll its descriptor
			<-written
			if name != "signal" && (KindOf(result.Err) != Timeout || !strings.Contains(result.Err.Error(), "standard output")) {
				t.Error(result.Err)
			}
		})
	}
}

// The end of the input does not delay an error that has come: not for as long as answers
// would be waited for.
func TestDatagramTooLongAtEnd(t *testing.T) {
	peer := script.UDPPeer(t, "127.0.0.1:0")
	d := dialUDP(t, peer.LocalAddr().String())
	d.Wait = time.Hour
	ended := make(chan error, 1)
	go func() {
		_, err := d.Read(make([]byte, 10))
		ended <- err
	}()
	_, _ = d.Write(make([]byte, MaxDatagram+1))
	_ = d.CloseWrite()
	select {
	case err := <-ended:
		if KindOf(err) != Local {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Error("it waits for answers")
	}
}

// A lateReader reads once CloseWrite has been called.
type lateReader struct {
	*Datagrams
	closed chan struct{}
}

func (s lateReader) Unwrap() Stream { return s.Datagrams }

func (s lateReader) Read(p []byte) (int, error) {
	<-s.closed
	return s.Datagrams.Read(p)
}

func (s lateReader) CloseWrite() error {
	defer close(s.closed)
	return s.Datagrams.CloseWrite()
}

// A refusal that has come by the end of the input counts, although no answer is waited
// for: the other address of the name is tried, and if that refuses, too, it is an error.
func TestDatagramRefusedAtEnd(t *testing.T) {
	lookup := func(context.Context, string, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.3")}, nil
	}
	for name, relay := range map[string]*Relay{
		"quit after 0": {QuitAfter: new(time.Duration)},
		"no wait":      {},
		"send only":    {SendOnly: true},
		"shut both":    {Shutdown: ShutBoth},
	} {
		t.Run(name, func(t *testing.T) {
			peer := script.UDPPeer(t, "127.0.0.3:0")
			e := Endpoint{Network: "udp", Host: "peer.test", Port: EndpointOf(peer.LocalAddr()).Port}
			for _, want := range []Kind{"", Refused} {
				d, err := (&Dialer{Resolver: Resolver{Lookup: lookup}}).DialDatagrams(t.Context(), e)
				if err != nil {
					t.Fatal(err)
				}
				defer d.Close()
				in, input, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				one := &Relay{
					Local: &Stdio{In: in, Out: empty(t)}, Remote: lateReader{d, make(chan struct{})}, Peer: "peer",
					QuitAfter: relay.QuitAfter, SendOnly: relay.SendOnly, Shutdown: relay.Shutdown,
				}
				_, _ = input.WriteString("one")
				go func() {
					for refused := false; !refused; {
						_ = rawConn(d.Conn()).Control(func(fd uintptr) { refused = pollNow(int(fd), 0) != 0 })
					}
					_ = input.Close()
				}()
				r := one.Run(t.Context())
				if KindOf(r.Err) != want || want != "" && !strings.HasPrefix(r.Err.Error(), "receive from "+peer.LocalAddr().String()+" after") {
					t.Errorf("%v, want %q", r.Err, want)
				}
				if want == "" {
					if n, _, err := peer.ReadFrom(make([]byte, 10)); n != 3 {
						t.Errorf("the other address got %d bytes, %v", n, err)
					}
					_ = peer.Close()
				}
			}
		})
	}
}
