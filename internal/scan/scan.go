// Package scan asks whether anything is listening on ports, many at once, and
// waits until something is.
package scan

import (
	"context"
	"fmt"
	"net"
	"time"

	"gcat/internal/conn"
)

// A Scan asks whether anything is listening on ports.
type Scan struct {
	// Dial connects to one port.
	Dial func(context.Context, conn.Endpoint) (net.Conn, error)
	// DialDatagrams opens a socket to one UDP port.
	DialDatagrams func(context.Context, conn.Endpoint) (*conn.Datagrams, error)
	// Parallel is how many ports are tried at once; 0 is 64. Where there are not
	// so many descriptors, it is as many as there are.
	Parallel int
	// Interval is the pause between the beginnings of two tries.
	Interval time.Duration
	// Wait is how long a UDP port may be silent; 0 is no limit, negative is not at
	// all.
	Wait time.Duration
	// Retry is how long a UDP port that refuses or is silent is asked again; 0 is
	// not at all. Dial retries by itself.
	Retry time.Duration
	// UntilClosed asks the reverse: a port that is open is asked again until it is
	// closed or Retry has passed. Dial does not retry then.
	UntilClosed bool
	// Report is called with each port's result, in the order of the ports.
	Report func(State)
}

// The timings of a scan.
const (
	// knocks is how many datagrams a silent UDP port is sent: one may get lost.
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
	// Err is nil if the port is open. Its kind is [conn.Timeout] if nothing was
	// heard, which for UDP means that it may be open or filtered.
	Err error
}

// Run tries all endpoints. It returns ctx's cause if that ends first.
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

// start tries the ports, parallel at a time, or as many as there are descriptors
// for. A port for which there was none is tried again when another try has freed
// one; it fails only if it was tried alone. start ends when all are tried, or with
// ctx.
func (s *Scan) start(ctx context.Context, ports []conn.Endpoint, results []chan State, parallel int) {
	var (
		slots = slots{most: parallel, now: parallel}
		done  = make(chan tried, parallel)
		pause <-chan time.Time // nil: the next try may begin
		again []int            // ports that got no descriptor
		next  int              // the first port that was never tried
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

// tried is the result of trying port i. alone says that it was the only one then, so
// that no other could have taken the descriptor.
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

// untilClosed returns nil if e is open, and still is when Retry has passed.
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

// slots bound the tries at once. When one finds no descriptor there are only as many
// as have one; then slowly more again, for others may have freed theirs.
type slots struct {
	most, now, taken int
	well             int // tries in a row that found a descriptor
}

// narrow gives back the slot of a try that found no descriptor.
func (p *slots) narrow() {
	p.taken--
	p.now, p.well = max(p.taken, 1), 0
}

// widen gives back the slot of any other.
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
		return nil // it was open
	}
	if err != nil {
		return err
	}
	if e.Datagram() {
		return c.Close() // a process has bound the path: that is all there is to know
	}
	_ = conn.CloseInOrder(c, knockLinger) // it was open, whatever the close returns
	return nil
}

// ask returns nil if something answers at the UDP port e within wait, as in [Scan].
func (s *Scan) ask(ctx context.Context, e conn.Endpoint, wait time.Duration) error {
	d, err := s.DialDatagrams(ctx, e)
	if err != nil {
		return err
	}
	defer d.Close()
	return knock(ctx, d, e, wait)
}

// knock sends datagrams until one is answered or refused, at all addresses, or wait
// is over. What is sent is a line end: many services do not answer an empty
// datagram.
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
		_, _ = d.Write([]byte("\n")) // Read returns what is wrong
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
