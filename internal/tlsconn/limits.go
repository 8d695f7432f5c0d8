package tlsconn

import (
	"context"
	"fmt"
	"time"

	"gcat/internal/conn"
)

// The timings of the room, each with the test that needs it.
const (
	// HandshakeLimit is how long a peer may take for its handshake with a server that
	// was given no limit: one that sends a byte now and then must not keep a slot.
	// (TestLimits)
	HandshakeLimit = 10 * time.Second
	// alertWait is how long an alert, ours or the peer's, may take to arrive: how long
	// a connection is read whose handshake failed, and how long a failed write waits
	// for the reason. (TestClientCertificates)
	alertWait = 500 * time.Millisecond
	// helloWait is how long a client may take for its ClientHello; then the fault
	// answers, whether or not all of it has come. (TestFaults)
	helloWait = time.Second
)

// Limits bound the handshake of a [Server]. The zero value is no limit.
type Limits struct {
	// Total is how long the handshake may take in all; 0 is no limit.
	Total time.Duration
	// TotalName is what Total is called when it has passed; empty is "handshake
	// limit".
	TotalName string
	// Idle is how long no byte of the handshake may move; 0 is no limit.
	Idle time.Duration
}

// A limitError is a limit of the handshake that has passed.
type limitError struct{ words string }

func (e *limitError) Error() string { return e.words }

// start returns a context that ends, with a limitError as its cause, when a limit
// has passed; stop ends the clocks.
func (l Limits) start(ctx context.Context, t *transport) (limited context.Context, stop func()) {
	limited, end := context.WithCancelCause(ctx)
	stop = func() { end(nil) }
	if l.Total > 0 {
		name := l.TotalName
		if name == "" {
			name = "handshake limit"
		}
		timer := time.AfterFunc(l.Total, func() {
			end(&limitError{fmt.Sprintf("handshake timed out after %v (%s)", l.Total, name)})
		})
		stop = func() { timer.Stop(); end(nil) }
	}
	if l.Idle > 0 {
		progress := new(conn.Progress)
		progress.Start()
		t.progress = progress
		go func() { // ends with limited
			if progress.Wait(limited, l.Idle) == nil {
				end(&limitError{fmt.Sprintf("no byte of the handshake moved for %v (idle limit)", l.Idle)})
			}
		}()
	}
	return limited, stop
}
