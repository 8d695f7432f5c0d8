package tlsconn

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"time"

	"gcat/internal/conn"
)

// The timings of the package, each with the test that needs it.
const (
	// HandshakeLimit is the time limit of a server's handshake if none was given. A
	// peer that sends a byte now and then would otherwise hold its slot. (TestLimits)
	HandshakeLimit = 10 * time.Second
	// alertWait is how long an alert may take to arrive. A connection whose handshake
	// failed is read for that long, so that the peer gets our alert, and a failed write
	// waits for the peer's. (TestClientCertificates)
	alertWait = 500 * time.Millisecond
	// helloWait is how long a fault waits for the ClientHello before it answers.
	// (TestFaults)
	helloWait = time.Second
)

// MaxHandshakes is how many peers of a listener may be in their handshake at once,
// beside those that it serves: peers that stall there keep out no others.
const MaxHandshakes = 1000

// Limits bound the handshake of a [Server]. The zero value is no limit.
type Limits struct {
	// Total is how long the handshake may take in all; 0 is no limit.
	Total time.Duration
	// TotalName names Total in the error when it has passed; empty is "handshake
	// limit".
	TotalName string
	// Idle is how long no byte of the handshake may move; 0 is no limit. With it, the
	// connection is a [conn.Socket].
	Idle time.Duration
}

// start returns a context that ends when a limit has passed, with a failure as its cause.
// stop releases the timers.
func (l Limits) start(ctx context.Context, c net.Conn) (limited context.Context, stop func()) {
	limited, end := context.WithCancelCause(ctx)
	pass := func(format string, args ...any) {
		end(&failure{conn.Timeout, fmt.Sprintf(format, args...)})
	}
	if l.Total > 0 {
		timer := time.AfterFunc(l.Total, func() {
			pass("handshake timed out after %v (%s)", l.Total, cmp.Or(l.TotalName, "handshake limit"))
		})
		context.AfterFunc(limited, func() { timer.Stop() })
	}
	if l.Idle > 0 {
		progress := new(conn.Progress)
		progress.Start()
		c.(*conn.Socket).Watch(progress)
		context.AfterFunc(limited, progress.AfterIdle(l.Idle, func() {
			pass("no byte of the handshake moved for %v (idle limit)", l.Idle)
		}))
	}
	return limited, func() { end(nil) }
}
