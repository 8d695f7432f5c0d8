package echo

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gcat/internal/conn"
	"gcat/internal/tlsconn"
)

// at waits until a time since the beginning, and a moment more.
func at(began time.Time, d time.Duration) {
	time.Sleep(time.Until(began.Add(d)) + time.Microsecond)
	synctest.Wait()
}

// `set time N` changes the idle limit, which begins anew.
func TestClientClockChanged(t *testing.T) {
	for _, test := range []struct {
		set  string
		ends time.Duration
		what string
	}{
		{"set time 5s\n", 36 * time.Second, "timed out: nothing moved for 5s"},
		{"set time 0s\n", time.Minute, "timed out: its deadline of 1m0s passed"},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			events := make(chan Event, 2)
			peer := serveOne(t, &Server{
				Control: true, ParseDuration: time.ParseDuration, Deadline: time.Minute,
				Report: func(e Event) { events <- e },
			})
			at(began, 30*time.Second)
			exchange(t, peer, "set time 2s\n", "set time 2s\n")
			at(began, 31*time.Second)
			exchange(t, peer, test.set, test.set)
			if got := <-events; got.What != test.what || time.Since(began) != test.ends+time.Microsecond && time.Since(began) != test.ends {
				t.Errorf("after %v: %q", time.Since(began), got.What)
			}
		})
	}
}

// A client over a pipe: the farewell comes at the limit, in fake time.
func TestClientClock(t *testing.T) {
	for _, s := range []*Server{{Idle: time.Minute, Farewell: "bye"}, {Idle: time.Minute, Farewell: "bye", Lines: true}} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			var timeouts atomic.Int32
			s.Report = func(e Event) {
				if e.Kind == TimedOut {
					timeouts.Add(1)
				}
			}
			peer := serveOne(t, s)
			at(began, 50*time.Second)
			exchange(t, peer, "hello\n", "hello\n")
			at(began, 109*time.Second)
			if timeouts.Load() != 0 {
				t.Error("timed out too early")
			}
			if got := remains(t, peer); got != "bye" {
				t.Errorf("got %q", got)
			}
			if d := time.Since(began); d < 110*time.Second || d > 111*time.Second {
				t.Errorf("closed after %v", d)
			}
		})
	}
}

// A peer that never reads is dropped after the limit, too.
func TestClientClockWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := &Server{Idle: 10 * time.Second}
		peer := serveOne(t, s)
		if _, err := peer.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		at(began, 12*time.Second)
		if _, err := peer.Write([]byte("y")); err == nil {
			t.Error("it is still there")
		}
	})
}

// A deadline in a script is reported at its step, and blames the client only for what the
// step expects of it. A script that it cuts short has not been followed.
func TestScriptDeadline(t *testing.T) {
	for _, test := range []struct {
		step  Step
		delay time.Duration
		what  string
	}{
		{Step{Do: Wait, Pause: time.Hour}, 0, ""},
		{Step{Do: Send, Text: []byte("x")}, time.Hour, ""},
		{Step{Do: Send, Text: []byte("x")}, 0, "expected it to read: "},
		{Step{Do: Line}, 0, "expected a line: "},
		{Step{Do: Hold}, 0, "expected it to leave: "},
	} {
		synctest.Test(t, func(t *testing.T) {
			events := make(chan Event, 2)
			test.step.Pos = "s:1"
			s := &Server{
				Script: []Step{test.step}, Deadline: time.Minute, Faults: Faults{Delays: []Delay{{Min: test.delay}}},
				Report: func(e Event) {
					if e.Kind == TimedOut {
						events <- e
					}
				},
			}
			serveOne(t, s)
			if got := <-events; got.What != "s:1: "+test.what+"timed out: its deadline of 1m0s passed" {
				t.Error(got.What)
			}
			synctest.Wait()
			if n := s.Totals.TooSlow.Load(); n != 1 {
				t.Errorf("%v: %d too slow", test.step.Do, n)
			}
		})
	}
}

// A fault by time ends a connection in its TLS handshake, and one whose target does not
// answer yet, as any other.
func TestLimitEarly(t *testing.T) {
	never := func(ctx context.Context) (conn.Stream, error) { <-ctx.Done(); return nil, ctx.Err() }
	for _, how := range []How{Close, Reset} {
		for what, test := range map[string]struct {
			to     *Target
			secure *tls.Config
		}{
			" after 500ms, down, at 500ms": {&Target{Down: true, Up: true, Dial: never}, nil},
			" after 500ms, up, at 500ms":   {&Target{Up: true, Dial: never}, nil},
			" after 500ms":                 {nil, new(tls.Config)},
		} {
			synctest.Test(t, func(t *testing.T) {
				events := make(chan Event, 10)
				s := &Server{To: test.to, Trace: true, Report: func(e Event) { events <- e }}
				s.Faults.Limits = []Limit{{How: how, Time: 500 * time.Millisecond}}
				peer, ours := net.Pipe()
				go func() { _, _ = io.Copy(io.Discard, peer); peer.Close() }() // ends with the connection
				s.Serve(t.Context(), 0, []Socket{{Handed: conn.Handed{Conn: ours}, TLS: test.secure}})
				close(events)
				<-events // Accepted
				fault, closed := <-events, <-events
				if fault.What != how.String()+what || closed.Kind != Closed || closed.EndedBy != "local" || closed.Duration != 500*time.Millisecond {
					t.Errorf("%+v, %+v", fault, closed)
				}
			})
		}
	}
}

// A fault whose time comes while the alert of a failed handshake is sent does not hide why
// the handshake failed.
func TestLimitBehindFailedHandshake(t *testing.T) {
	secure, err := tlsconn.Options{}.ServerConfig()
	if err != nil {
		t.Fatal(err)
	}
	secure.VerifyConnection = func(tls.ConnectionState) error { return errors.New("not the pinned one") }
	synctest.Test(t, func(t *testing.T) {
		events := make(chan Event, 10)
		s := &Server{Trace: true, Report: func(e Event) { events <- e }}
		s.Faults.Limits = []Limit{{How: Reset, Time: 100 * time.Millisecond}}
		peer, ours := net.Pipe()
		go func() { // ends with the connection
			_ = tls.Client(peer, &tls.Config{InsecureSkipVerify: true}).Handshake()
			_, _ = io.Copy(io.Discard, peer)
		}()
		s.Serve(t.Context(), 0, []Socket{{Handed: conn.Handed{Conn: ours}, TLS: secure}})
		peer.Close()
		close(events)
		<-events // Accepted
		failed, closed := <-events, <-events
		if failed.Kind != Failed || closed.Kind != Closed || closed.EndedBy != "reset" || closed.Duration < 100*time.Millisecond {
			t.Errorf("%+v, %+v", failed, closed)
		}
	})
}
