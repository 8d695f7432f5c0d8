// Package scan finds out which ports are open, many at once, and can wait until a
// port opens or closes.
package scan

import (
	"context"
	"fmt"
	"net"
	"time"

	"gcat/internal/conn"
)

// A Scan finds out which ports are open.
type Scan struct {
	// Dial connects to one port.
	Dial func(context.Context, conn.Endpoint) (net.Conn, error)
	// DialDatagrams opens a socket to one UDP port.
	DialDatagrams func(context.Context, conn.Endpoint) (*conn.Datagrams, error)
	// Parallel is how many ports are tried at once; 0 is 64. If the process runs out
	// of descriptors, fewer are tried at once.
	Parallel int
	// Interval is the time between the starts of two tries.
	Interval time.Duration
	// Wait is how long to wait for the answer of a UDP port; 0 is no limit, negative
	// is no wait.
	Wait time.Duration
	// Retry is for how long a UDP port that refuses or is silent is tried again; 0 is
	// one try. For the other ports, Dial retries.
	Retry time.Duration
	// UntilClosed tries an open port again until it is closed or Retry has passed.
	// Dial must not retry then.
	UntilClosed bool
	// Report is called with each port's result, in the order of the ports.
	Report func(State)
}

// The timings of a scan.
const (
	// knocks is how many datagrams are sent to a silent UDP port: one may get lost.
	knocks = 3
	// knockLinger is how long a server may take to end a connection on which nothing
	// was sent.
	knockLinger = 50 * time.Millisecond
	// closedFirst and closedMost are the first and the longest pause between two tries
	// of a port that is still open.
	closedFirst = 50 * time.Millisecond
	closedMost  = time.Second
)

// A State is what a [Scan] found out about one port.
type State struct {
	Endpoint conn.Endpoint
	// Err is nil if the port is open. Its kind is [conn.Timeout] if there was no
	// answer; a UDP port is then open or filtered.
	Err error
}

// Run tries all endpoints. It returns the cause of ctx if ctx ends first.
func (s *Scan) Run(ctx context.Context, ports []conn.Endpoint) error {
	parallel := s.Parallel
	if parallel == 0 {
		parallel = 64
	}
	results := make([]chan State, len(ports))
	for i := range results {
		results[i] = make(chan State, 1)
	}
	go s.start(ctx, ports, results, min(parallel, len(ports)))
	for _, result := range results {
		select {
		case r := <-result:
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			s.Report(r)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// start tries the ports, at most parallel at a time. A try that found no free
// descriptor is repeated when another try has freed one; it fails only if no other
// try was running. start ends when all ports are tried, or with ctx.
func (s *Scan) start(ctx context.Context, ports []conn.Endpoint, results []chan State, parallel int) {
	var (
		slots = slots{most: parallel, now: parallel}
		done  = make(chan tried, parallel)
		pause <-chan time.Time // nil: the next try may begin
		again []int            // ports whose try found no descriptor
		next  int              // the first port that is not yet tried
	)
	for next < len(ports) || len(again) > 0 || slots.taken > 0 {
		if pause == nil && slots.taken < slots.now && (next < len(ports) || len(again) > 0) {
			i := next
			if len(again) > 0 {
				i, again = again[0], again[1:]
			} else {
				next++
			}
			slots.taken++
			go s.one(ctx, i, ports[i], slots.now == 1, done)
			if s.Interval > 0 {
				pause = time.After(s.Interval)
			}
			continue
		}
		select {
		case <-pause:
			pause = nil
		case t := <-done:
			lacked := conn.ConnectKind(t.err) == conn.NoDescriptor
			if lacked {
				slots.narrow()
			} else {
				slots.widen()
			}
			if lacked && !t.alone {
				again = append(again, t.i)
			} else {
				results[t.i] <- State{ports[t.i], t.err}
			}
		case <-ctx.Done():
			return
		}
	}
}

// tried is the result of trying port i. alone reports that no other try was running,
// which could have taken the last descriptor.
type tried struct {
	i     int
	alone bool
	err   error
}

// one tries one port. It ends with the try.
func (s *Scan) one(ctx context.Context, i int, e conn.Endpoint, alone bool, done chan<- tried) {
	try := s.try
	if s.UntilClosed {
		try = s.untilClosed
	}
	done <- tried{i, alone, try(ctx, e)}
}

// untilClosed returns nil if e is still open when Retry has passed.
func (s *Scan) untilClosed(ctx context.Context, e conn.Endpoint) error {
	once := *s
	once.Retry = 0
	end := time.Now().Add(s.Retry)
	for pause := closedFirst; ; pause = min(2*pause, closedMost) {
		err := once.try(ctx, e)
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

// slots bound the number of tries at once. When a try finds no descriptor, the bound
// falls to the number of tries that have one. It then grows slowly, because other
// parts of the process may free descriptors.
type slots struct {
	most, now, taken int
	well             int // tries in a row that found a descriptor
}

// narrow frees the slot of a try that found no descriptor.
func (p *slots) narrow() {
	p.taken--
	p.now, p.well = max(p.taken, 1), 0
}

// widen frees the slot of any other try.
func (p *slots) widen() {
	p.taken--
	if p.well++; p.well >= p.now {
		p.now, p.well = min(p.now+1, p.most), 0
	}
}

// try returns nil if e is open.
func (s *Scan) try(ctx context.Context, e conn.Endpoint) error {
	if e.Datagram() && !e.Unix() {
		_, err := conn.Retry(ctx, s.Retry, s.Wait, func(ctx context.Context, wait time.Duration) (net.Conn, error) {
			return nil, s.ask(ctx, e, wait)
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
	_ = conn.CloseInOrder(c, knockLinger) // the port was open, whatever the close returns
	return nil
}

// ask returns nil if the UDP port e answers within wait, which is as in [Scan].
func (s *Scan) ask(ctx context.Context, e conn.Endpoint, wait time.Duration) error {
	d, err := s.DialDatagrams(ctx, e)
	if err != nil {
		return err
	}
	defer d.Close()
	return knock(ctx, d, e, wait)
}

// knock sends datagrams until one is answered, all addresses have refused, or wait
// has passed. Each datagram is a newline: many services do not answer an empty one.
func knock(ctx context.Context, d *conn.Datagrams, e conn.Endpoint, wait time.Duration) error {
	stop := context.AfterFunc(ctx, func() { _ = d.Conn().SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	d.Want, d.Wait = 1, wait/knocks
	times := knocks
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
