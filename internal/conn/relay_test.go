package conn

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A pipeSide is a Stream made of two pipes, for conversations without a kernel.
type pipeSide struct {
	in     *io.PipeReader // what the relay reads from it
	out    *io.PipeWriter // what the relay writes to it
	closed chan struct{}  // CloseWrite was called
	once   sync.Once
}

func (s *pipeSide) Read(p []byte) (int, error)  { return s.in.Read(p) }
func (s *pipeSide) Write(p []byte) (int, error) { return s.out.Write(p) }

func (s *pipeSide) CloseWrite() error {
	s.once.Do(func() { close(s.closed) })
	return s.out.Close()
}

// newPipeSide returns a side and the ends that the test plays it with.
func newPipeSide() (s *pipeSide, say *io.PipeWriter, hear *io.PipeReader) {
	in, say := io.Pipe()
	hear, out := io.Pipe()
	return &pipeSide{in: in, out: out, closed: make(chan struct{})}, say, hear
}

// A talk is a relay at work between two sides that the test plays.
type talk struct {
	*testing.T
	relay                 *Relay
	localSay, remoteSay   *io.PipeWriter
	localHear, remoteHear *io.PipeReader
	local, remote         *pipeSide
	done                  chan Result
}

func newTalk(t *testing.T, relay *Relay) *talk {
	k := &talk{T: t, relay: relay, done: make(chan Result, 1)}
	k.local, k.localSay, k.localHear = newPipeSide()
	k.remote, k.remoteSay, k.remoteHear = newPipeSide()
	relay.Local, relay.Remote, relay.Peer = k.local, k.remote, "peer"
	return k
}

func (k *talk) run(ctx context.Context) { go func() { k.done <- k.relay.Run(ctx) }() }

// end lets go of everything, so that no goroutine stays behind.
func (k *talk) end() {
	k.localSay.Close()
	k.remoteSay.Close()
	k.localHear.Close()
	k.remoteHear.Close()
}

func duration(d time.Duration) *time.Duration { return &d }

func TestRelayBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTalk(t, &Relay{})
		k.run(t.Context())
		go func() {
			_, _ = io.WriteString(k.localSay, "question")
			k.localSay.Close()
		}()
		question, _ := io.ReadAll(k.remoteHear)
		<-k.remote.closed // the half-close came before the answer
		go func() {
			time.Sleep(time.Hour)
			_, _ = io.WriteString(k.remoteSay, "answer")
			k.remoteSay.Close()
		}()
		answer, _ := io.ReadAll(k.localHear)
		r := <-k.done
		if string(question) != "question" || string(answer) != "answer" || r.Err != nil {
			t.Errorf("%q, %q, %v", question, answer, r.Err)
		}
		if r.Sent != 8 || r.Received != 6 || r.EndedBy != "local" || r.FirstByte != time.Hour || r.Duration != time.Hour {
			t.Errorf("%+v", r)
		}
	})
}

// Neither direction waits for the other: with no reader of Local's output,
// what Local says still arrives, and the other way round.
func TestRelayDirectionsAreIndependent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTalk(t, &Relay{})
		k.run(t.Context())
		go func() { _, _ = k.remoteSay.Write(make([]byte, 1<<20)) }() // it is not read
		synctest.Wait()
		go func() {
			_, _ = io.WriteString(k.localSay, strings.Repeat("x", 1<<20))
			k.localSay.Close()
		}()
		if got, _ := io.ReadAll(k.remoteHear); len(got) != 1<<20 {
			t.Errorf("%d bytes arrived", len(got))
		}
		k.end()
		<-k.done
	})
}

func TestRelayIdleLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTalk(t, &Relay{Idle: 2 * time.Second})
		k.run(t.Context())
		go func() {
			for range 10 { // slower than the limit allows in one direction, but not in all
				time.Sleep(1900 * time.Millisecond)
				_, _ = io.WriteString(k.remoteSay, ".")
			}
		}()
		go func() { _, _ = io.Copy(io.Discard, k.localHear) }()
		start := time.Now()
		r := <-k.done
		k.end()
		if e, ok := errors.AsType[*Error](r.Err); !ok || e.Why != Timeout || !strings.Contains(e.Error(), "idle limit") {
			t.Errorf("%v", r.Err)
		}
		if got, want := time.Since(start), 21*time.Second; got != want || r.Received != 10 || r.EndedBy != "timeout" {
			t.Errorf("after %v, want %v: %+v", got, want, r)
		}
	})
}

// A pause of our own making is not idleness.
func TestRelayPauseIsNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTalk(t, &Relay{Idle: time.Second})
		progress := &k.relay.progress
		k.run(t.Context())
		synctest.Wait()
		progress.Pause()
		time.Sleep(10 * time.Second)
		progress.Resume()
		start := time.Now()
		r := <-k.done
		k.end()
		if got := time.Since(start); got != time.Second || r.EndedBy != "timeout" {
			t.Errorf("ended %v after the pause: %+v", got, r)
		}
	})
}

func TestRelayQuitAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTalk(t, &Relay{QuitAfter: duration(3 * time.Second)})
		k.run(t.Context())
		start := time.Now()
		k.localSay.Close()
		r := <-k.done
		k.end()
		if time.Since(start) != 3*time.Second || r.Err != nil || r.EndedBy != "local" {
			t.Errorf("after %v: %+v", time.Since(start), r)
		}
	})
}

func TestRelayQuitAfterPeer(t *testing.T) {
	for _, limit := range []time.Duration{0, 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			k := newTalk(t, &Relay{QuitAfterPeer: &limit})
			k.run(t.Context())
			start := time.Now()
			k.remoteSay.Close()
			<-k.local.closed
			r := <-k.done
			k.end()
			if time.Since(start) != limit || r.Err != nil || r.EndedBy != "peer" {
				t.Errorf("after %v: %+v", time.Since(start), r)
			}
		})
	}
}

// What is in flight in a pump when the time for Local's input is over is still
// delivered.
func TestRelayQuitAfterPeerDelivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTalk(t, &Relay{QuitAfterPeer: duration(0)})
		k.run(t.Context())
		go func() { _, _ = io.WriteString(k.localSay, "in flight") }()
		synctest.Wait()
		k.remoteSay.Close()
		synctest.Wait()
		got, _ := io.ReadAll(k.remoteHear)
		r := <-k.done
		k.end()
		if string(got) != "in flight" || r.Err != nil {
			t.Errorf("%q, %+v", got, r)
		}
	})
}

func TestRelayDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		passed := &Error{Why: Timeout, Err: errors.New("the deadline")}
		ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, passed)
		defer cancel()
		k := newTalk(t, &Relay{})
		k.run(ctx)
		r := <-k.done
		k.end()
		if r.EndedBy != "timeout" || !strings.Contains(Words(r.Err), "the deadline") || r.Duration != 5*time.Second {
			t.Errorf("%+v", r)
		}
	})
}

// A failed send does not hide behind the clean end of file that follows, and the
// peer's last words are received.
func TestRelayLastWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTalk(t, &Relay{})
		k.run(t.Context())
		k.remoteHear.CloseWithError(errors.New("gone"))
		go func() { _, _ = io.WriteString(k.localSay, "lost") }()
		synctest.Wait()
		go func() {
			_, _ = io.WriteString(k.remoteSay, "413")
			k.remoteSay.Close()
		}()
		words, _ := io.ReadAll(k.localHear)
		r := <-k.done
		k.end()
		e, ok := errors.AsType[*Error](r.Err)
		if string(words) != "413" || !ok || e.Why != NotDelivered || r.Unacknowledged != 4 {
			t.Errorf("%q, %+v", words, r)
		}
	})
}

// A write may still be on its way back when the connection is reset. What it has
// written counts.
func TestRelayResetInWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTalk(t, &Relay{})
		k.relay.Remote = lateStream{k.remote}
		k.run(t.Context())
		go func() { _, _ = io.WriteString(k.localSay, "taken") }()
		_, _ = io.ReadFull(k.remoteHear, make([]byte, 5))
		k.remoteSay.CloseWithError(syscall.ECONNRESET)
		r := <-k.done
		k.end()
		if r.EndedBy != "reset" || r.Sent != 5 || r.Unacknowledged != 0 || strings.Contains(r.Err.Error(), "not sent") {
			t.Errorf("%+v", r)
		}
	})
}

// A lateStream returns from its writes a moment after they are done.
type lateStream struct{ *pipeSide }

func (s lateStream) Write(p []byte) (int, error) {
	n, err := s.pipeSide.Write(p)
	time.Sleep(drainStuck / 2)
	return n, err
}

// A failed read of Local is no end of file: the sending half is not shut down.
func TestRelayInputFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTalk(t, &Relay{})
		k.run(t.Context())
		k.localSay.CloseWithError(InputError(errors.New("bad sector")))
		r := <-k.done
		select {
		case <-k.remote.closed:
			t.Error("the peer was told of an end of file")
		default:
		}
		k.end()
		if r.Err == nil || r.EndedBy != "local" {
			t.Errorf("%+v", r)
		}
	})
}

// A terminal whose window is closed fails a moment before the signal comes,
// which counts; a clock that passes meanwhile does not, nor is it waited for after
// another failure.
func TestRelayHangsUp(t *testing.T) {
	signal := errors.New("hangup")
	clock := &Error{Why: Timeout, Err: errors.New("the deadline")}
	for _, test := range []struct {
		failure, cause error
		endedBy        string
		lasts          time.Duration
	}{
		{syscall.EIO, signal, "signal", hangupDelay / 2},
		{syscall.EIO, clock, "local", hangupDelay / 2},
		{syscall.EIO, nil, "local", hangupDelay},
		{syscall.EISDIR, signal, "local", 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			k := newTalk(t, &Relay{})
			k.run(ctx)
			k.localSay.CloseWithError(InputError(test.failure))
			if test.cause != nil {
				time.AfterFunc(hangupDelay/2, func() { cancel(test.cause) })
			}
			r := <-k.done
			k.end()
			want := test.failure
			if test.endedBy == "signal" {
				want = test.cause
			}
			if !errors.Is(r.Err, want) || r.EndedBy != test.endedBy || r.Duration != test.lasts {
				t.Errorf("%v, %v: %+v", test.failure, test.cause, r)
			}
		})
	}
}

func TestRelayOutputFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTalk(t, &Relay{})
		k.run(t.Context())
		k.localHear.CloseWithError(outputError(errors.New("disk full")))
		go func() { _, _ = io.WriteString(k.remoteSay, "x") }()
		r := <-k.done
		k.end()
		if e, ok := errors.AsType[*Error](r.Err); !ok || e.Why != Local || r.EndedBy != "local" {
			t.Errorf("%+v", r)
		}
	})
}

func TestRelayRecvOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTalk(t, &Relay{RecvOnly: true})
		k.run(t.Context())
		synctest.Wait()
		select {
		case <-k.remote.closed:
			t.Error("our half was shut before the peer's end")
		default:
		}
		go func() {
			_, _ = io.WriteString(k.remoteSay, "data")
			k.remoteSay.Close()
		}()
		data, _ := io.ReadAll(k.localHear)
		<-k.remote.closed
		r := <-k.done
		k.end()
		if string(data) != "data" || r.Err != nil || r.EndedBy != "peer" {
			t.Errorf("%q, %+v", data, r)
		}
	})
}

func TestRelaySendOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTalk(t, &Relay{SendOnly: true})
		k.run(t.Context())
		quiet := make(chan struct{})
		go func() { // for ever: it is not wanted
			defer close(quiet)
			for {
				if _, err := k.remoteSay.Write(make([]byte, 1000)); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		go func() {
			_, _ = io.WriteString(k.localSay, "data")
			k.localSay.Close()
		}()
		data, _ := io.ReadAll(k.remoteHear)
		r := <-k.done
		k.end()
		_ = k.remote.in.Close()
		<-quiet
		if string(data) != "data" || r.Err != nil {
			t.Errorf("%q, %+v", data, r)
		}
	})
}

func TestRelayShutdownNone(t *testing.T) {
	for _, to := range []string{"", "to"} {
		synctest.Test(t, func(t *testing.T) {
			k := newTalk(t, &Relay{Shutdown: ShutNone, To: to})
			k.run(t.Context())
			client, server, half := k.localSay, k.remoteSay, k.remote
			if to != "" {
				client, server, half = k.remoteSay, k.localSay, k.local
			}
			client.Close()
			time.Sleep(time.Hour)
			select {
			case <-half.closed:
				t.Error("the server's half was shut")
			case r := <-k.done:
				t.Errorf("it ended: %+v", r)
			default:
			}
			server.Close()
			if r := <-k.done; r.Err != nil {
				t.Errorf("%+v", r)
			}
			k.end()
		})
	}
}

// A half-close that blocks, as close_notify does behind a peer that never reads,
// is under the clocks like everything else.
func TestRelayShutdownBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTalk(t, &Relay{Idle: 2 * time.Second})
		stuck := &stuckStream{k.remote, make(chan struct{})}
		k.relay.Remote = stuck
		k.run(t.Context())
		k.localSay.Close()
		r := <-k.done
		if r.EndedBy != "timeout" || r.Duration != 2*time.Second {
			t.Errorf("%+v", r)
		}
		close(stuck.release)
		k.end()
	})
}

// A stuckStream is one whose CloseWrite waits to be released.
type stuckStream struct {
	*pipeSide
	release chan struct{}
}

func (s *stuckStream) CloseWrite() error {
	<-s.release
	return s.pipeSide.CloseWrite()
}
