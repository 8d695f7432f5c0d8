package scan

import (
	"context"
	"fmt"
	"net"
	"time"

	"gcat/internal/conn"
)

// The timings of a probe.
const (
	// datagramProbes is how many datagrams are sent to a silent UDP port: one may get
	// lost.
	datagramProbes = 3
	// closeLimit is how long a server may take to end a connection on which nothing
	// was sent.
	closeLimit = 50 * time.Millisecond
	// firstPause and longestPause are the pauses between two probes of a port that is
	// still open.
	firstPause   = 50 * time.Millisecond
	longestPause = time.Second
)

// probe returns nil if e is open or, with UntilClosed, if e is still open after Retry.
func (s *Scan) probe(ctx context.Context, e conn.Endpoint) error {
	if !s.UntilClosed {
		return s.probePort(ctx, e, s.Retry)
	}
	end := time.Now().Add(s.Retry)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := s.probePort(ctx, e, 0)
		left := time.Until(end)
		if err != nil || left <= 0 {
			return err
		}
		select {
		case <-time.After(min(pause, left)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// probePort returns nil if e is open. A UDP port is probed again for up to retry.
func (s *Scan) probePort(ctx context.Context, e conn.Endpoint, retry time.Duration) error {
	if e.Datagram() && !e.Unix() {
		_, err := conn.Retry(ctx, retry, s.Wait, func(ctx context.Context, wait time.Duration) (net.Conn, error) {
			return nil, s.probeUDP(ctx, e, wait)
		})
		return err
	}
	c, err := s.Dial(ctx, e)
	if conn.ConnectKind(err) == conn.ResetByPeer {
		return nil // the port was open
	}
	if err != nil {
		return err
	}
	if e.Datagram() {
		return c.Close() // connect(2) succeeds only if a process has bound the path
	}
	conn.CloseInOrder(c, closeLimit)
	return nil
}

// probeUDP sends datagrams to e until one is answered, all addresses have refused, or
// wait has passed; wait is as in [Scan]. Each datagram is a newline: many services do
// not answer an empty one.
func (s *Scan) probeUDP(ctx context.Context, e conn.Endpoint, wait time.Duration) error {
	d, err := s.DialDatagrams(ctx, e)
	if err != nil {
		return err
	}
	defer d.Close()
	defer context.AfterFunc(ctx, func() { _ = d.Conn().SetReadDeadline(time.Unix(1, 0)) })()
	d.Want, d.Wait = 1, wait/datagramProbes
	times := datagramProbes
	switch {
	case wait == 0:
		d.Wait = -1
	case wait < 0:
		wait, d.Wait, times = 0, 0, 1
	}
	var answer [1]byte
	for range times {
		_, _ = d.Write([]byte("\n")) // Read returns the error
		_ = d.CloseWrite()
		_, err := d.Read(answer[:])
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil {
			return nil
		}
		if why := conn.ConnectKind(err); why != conn.Timeout {
			return &conn.Error{Why: why, Op: "connect to " + e.Address(), Err: err}
		}
	}
	within := ""
	if wait > 0 {
		within = fmt.Sprintf(" within %v", wait)
	}
	return &conn.Error{Why: conn.Timeout, Op: "connect to " + e.Address(), Err: fmt.Errorf("no answer%s: open or filtered", within)}
}
