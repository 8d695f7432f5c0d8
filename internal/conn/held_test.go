package conn

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What was read and is held back when the peer ends, and ours ends with it, is
// not lost in silence.
func TestRelayHeldBack(t *testing.T) {
	for name, c := range map[string]struct {
		relay *Relay
		wrap  func(Stream, *Progress) Stream
		say   string
		sent  int64
		held  int64
	}{
		"a line that waits for its pause": {
			&Relay{QuitAfterPeer: duration(0)},
			func(s Stream, p *Progress) Stream {
				return &Interval{Stream: NewLines(s, false), Pause: time.Hour, Progress: p}
			}, "one\ntwo\n", 4, 4,
		},
		"and those behind it": {
			&Relay{EndWithPeer: true},
			func(s Stream, p *Progress) Stream {
				return NewRate(&Interval{Stream: &CRLF{Stream: NewLines(s, false)}, Pause: time.Hour, Progress: p}, 1<<20, false, p)
			}, "one\ntwo\nthree\nfo", 5, 13,
		},
		"a line without its end": {
			&Relay{QuitAfterPeer: duration(time.Minute)},
			func(s Stream, p *Progress) Stream { return NewLines(s, false) }, "one\ntw", 4, 2,
		},
		"nothing": {
			&Relay{QuitAfterPeer: duration(0)},
			func(s Stream, p *Progress) Stream { return NewLines(s, false) }, "one\n", 4, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newTalk(t, c.relay)
				k.relay.Progress = new(Progress)
				k.relay.Local = c.wrap(k.local, k.relay.Progress)
				k.run(t.Context())
				go func() { _, _ = io.WriteString(k.localSay, c.say) }()
				_, _ = io.CopyN(io.Discard, k.remoteHear, c.sent)
				time.Sleep(time.Second) // more than the rate costs
				synctest.Wait()
				k.remoteSay.Close()
				go func() { _, _ = io.Copy(io.Discard, k.remoteHear) }()
				go func() { _, _ = io.Copy(io.Discard, k.localHear) }()
				r := <-k.done
				k.end()
				time.Sleep(2 * time.Hour) // for the pause that nobody waits for
				switch e, ok := errors.AsType[*Error](r.Err); {
				case c.held == 0:
					if r.Err != nil || r.Unacknowledged != 0 {
						t.Errorf("%+v", r)
					}
				case !ok || e.Why != NotDelivered || r.EndedBy != "peer" || r.Unacknowledged != c.held:
					t.Errorf("%+v", r)
				case !strings.Contains(e.Error(), fmt.Sprintf(", %d of them not delivered: the peer had ended", c.held)):
					t.Errorf("%v", e)
				}
			})
		})
	}
}
