package filter

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gcat/internal/conn"
)

// A side is a Stream that the test plays the other end of.
type side struct {
	in  *io.PipeReader
	out *io.PipeWriter
}

func (s side) Read(p []byte) (int, error)  { return s.in.Read(p) }
func (s side) Write(p []byte) (int, error) { return s.out.Write(p) }
func (s side) CloseWrite() error           { return s.out.Close() }

// newSide returns a side and the ends that the test plays it with.
func newSide() (s side, say *io.PipeWriter, hear *io.PipeReader) {
	in, say := io.Pipe()
	hear, out := io.Pipe()
	return side{in: in, out: out}, say, hear
}

func duration(d time.Duration) *time.Duration { return &d }

// What was read and is buffered when the peer ends, and ours ends with it, is
// not lost in silence.
func TestRelayBuffered(t *testing.T) {
	for name, c := range map[string]struct {
		relay *conn.Relay
		wrap  func(conn.Stream, *conn.Progress) conn.Stream
		say   string
		sent  int64
		held  int64
	}{
		"a line that waits for its pause": {
			&conn.Relay{QuitAfterPeer: duration(0)},
			func(s conn.Stream, p *conn.Progress) conn.Stream {
				return &Interval{Stream: &Lines{Stream: s}, Pause: time.Hour, progress: p}
			}, "one\ntwo\n", 4, 4,
		},
		"and those behind it": {
			&conn.Relay{EndWithPeer: true},
			func(s conn.Stream, p *conn.Progress) conn.Stream {
				return &Rate{Stream: &Interval{Stream: &CRLF{Stream: &Lines{Stream: s}}, Pause: time.Hour, progress: p}, Pacer: Pacer{PerSecond: 1 << 20}, progress: p}
			}, "one\ntwo\nthree\nfo", 5, 13,
		},
		"a line without its end": {
			&conn.Relay{QuitAfterPeer: duration(time.Minute)},
			func(s conn.Stream, p *conn.Progress) conn.Stream { return &Lines{Stream: s} }, "one\ntw", 4, 2,
		},
		"a block without its end": {
			&conn.Relay{QuitAfterPeer: duration(time.Minute)},
			func(s conn.Stream, p *conn.Progress) conn.Stream { return &Blocks{Stream: s, Size: 4} }, "four, and", 8, 1,
		},
		"nothing": {
			&conn.Relay{QuitAfterPeer: duration(0)},
			func(s conn.Stream, p *conn.Progress) conn.Stream { return &Lines{Stream: s} }, "one\n", 4, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				local, localSay, localHear := newSide()
				remote, remoteSay, remoteHear := newSide()
				progress := new(conn.Progress)
				c.relay.Local, c.relay.Remote, c.relay.Peer = c.wrap(local, progress), remote, "peer"
				done := make(chan conn.Result, 1)
				go func() { done <- c.relay.Run(t.Context()) }()
				go func() { _, _ = io.WriteString(localSay, c.say) }()
				_, _ = io.CopyN(io.Discard, remoteHear, c.sent)
				time.Sleep(time.Second) // more than the rate costs
				synctest.Wait()
				remoteSay.Close()
				go func() { _, _ = io.Copy(io.Discard, remoteHear) }()
				go func() { _, _ = io.Copy(io.Discard, localHear) }()
				r := <-done
				localSay.Close()
				time.Sleep(2 * time.Hour) // for the pause, which Run does not wait for
				switch e, ok := errors.AsType[*conn.Error](r.Err); {
				case c.held == 0:
					if r.Err != nil || r.Unacknowledged != 0 {
						t.Errorf("%+v", r)
					}
				case !ok || e.Why != conn.NotDelivered || r.EndedBy != "peer" || r.Unacknowledged != c.held:
					t.Errorf("%+v", r)
				case !strings.Contains(e.Error(), fmt.Sprintf(", %d of them not delivered: the peer had ended", c.held)):
					t.Errorf("%v", e)
				}
			})
		})
	}
}
