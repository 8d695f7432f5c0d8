package conn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Scan asks whether anything is listening on ports.
type Scan struct {
	// Dial connects to one port.
	Dial func(context.Context, Endpoint) (net.Conn, error)
	// DialDatagrams opens a socket to one UDP port.
	DialDatagrams func(context.Context, Endpoint) (*Datagrams, error)
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
	// Tell is called with each port's result, in the order of the ports.
	Tell func(PortState)
}

// A PortState is what a [Scan] found out about one port.
type PortState struct {
	Endpoint Endpoint
	// Err is nil if the port is open. Its kind is [Timeout] if nothing was
	// heard, which for UDP means that it may be open or filtered.
	Err error
}

// Run tries all endpoints. It returns ctx's cause if that ends first.
func (s *Scan) Run(ctx context.Context, ports []Endpoint) error {
	parallel := s.Parallel
	if parallel == 0 {
		parallel = 64
	}
	results := make([]chan PortState, len(ports))
	for i := range results {
		results[i] = make(chan PortState, 1)
	}
	go s.start(ctx, ports, results, min(parallel, len(ports)))
	for _, result := range results {
		select {
		case r := <-result:
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			s.Tell(r)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// start tries the ports, parallel at a time, or as many as there are descriptors
// for. A port that got none is tried again when another try has ended and freed
// one; it has failed only if it was tried alone. It ends when all are tried or
// with ctx.
func (s *Scan) start(ctx context.Context, ports []Endpoint, results []chan PortState, parallel int) {
	var (
		places = places{most: parallel, now: parallel}
		ended  = make(chan tried, parallel)
		pause  <-chan time.Time // nil: the next try may begin
		again  []int            // ports that got no descriptor
		next   int              // the first port that was never tried
	)
	for next < len(ports) || len(again) > 0 || places.taken > 0 {
		if pause == nil && places.taken < places.now && (next < len(ports) || len(again) > 0) {
			i := next
			if len(again) > 0 {
				i, again = again[0], again[1:]
			} else {
				next++
			}
			places.taken++
			go s.one(ctx, i, ports[i], places.now == 1, ended)
			if s.Interval > 0 {
				pause = time.After(s.Interval)
			}
			continue
		}
		select {
		case <-pause:
			pause = nil
		case t := <-ended:
			lacked := connectKind(t.err) == NoDescriptor
			if lacked {
				places.narrow()
			} else {
				places.widen()
			}
			if lacked && !t.alone {
				again = append(again, t.i)
			} else {
				results[t.i] <- PortState{ports[t.i], t.err}
			}
		case <-ctx.Done():
			return
		}
	}
}

// tried is how the try of port i ended. Alone says that it was the only one
// while it lasted, so that no other could have kept a descriptor from it.
type tried struct {
	i     int
	alone bool
	err   error
}

// one tries one port. It ends with the try.
func (s *Scan) one(ctx context.Context, i int, e Endpoint, alone bool, ended chan<- tried) {
	ended <- tried{i, alone, s.try(ctx, e)}
}

// places are how many tries there may be at once: as many as found a descriptor
// when one found none, and then slowly more again, for others than we may have
// held them.
type places struct {
	most, now, taken int
	well             int // tries in a row that found a descriptor
}

// narrow gives back the place of a try that found no descriptor.
func (p *places) narrow() {
	p.taken--
	p.now, p.well = max(p.taken, 1), 0
}

// widen gives back the place of any other.
func (p *places) widen() {
	p.taken--
	if p.well++; p.well >= p.now {
		p.now, p.well = min(p.now+1, p.most), 0
	}
}

// knockLinger is how long a server may take to end a connection that asked for
// nothing.
const knockLinger = 50 * time.Millisecond

// try is nil if e is open.
func (s *Scan) try(ctx context.Context, e Endpoint) error {
	if e.Datagram() && !e.Unix() {
		_, err := retry(ctx, s.Retry, s.Wait, func(ctx context.Context, wait time.Duration) (net.Conn, error) {
			return nil, s.ask(ctx, e, wait)
		})
		return err
	}
	c, err := s.Dial(ctx, e)
	if connectKind(err) == ResetByPeer {
		return nil // it was open
	}
	if err != nil {
		return err
	}
	if e.Datagram() {
		return c.Close() // the path is somebody's: there is nothing to ask
	}
	_ = CloseInOrder(c, knockLinger) // it was open, whatever happens now
	return nil
}

// knocks is how many datagrams a silent UDP port is sent: one may get lost.
const knocks = 3

// ask is nil if something answers at the UDP port e within wait, as in [Scan].
func (s *Scan) ask(ctx context.Context, e Endpoint, wait time.Duration) error {
	d, err := s.DialDatagrams(ctx, e)
	if err != nil {
		return err
	}
	defer d.Close()
	return knock(ctx, d, e, wait)
}

// knock sends datagrams until somebody answers or refuses, at all addresses, or
// wait is over. What is sent is a line end: many services do not answer an empty
// datagram.
func knock(ctx context.Context, d *Datagrams, e Endpoint, wait time.Duration) error {
	stop := context.AfterFunc(ctx, func() { _ = d.Conn().SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	d.Need, d.Wait = 1, wait/knocks
	times := knocks
	switch {
	case wait == 0:
		d.Wait = -1
	case wait < 0:
		wait, d.Wait, times = 0, 0, 1
	}
	var answer [1]byte
	for range times {
		_, _ = d.Write([]byte("\n")) // Read tells what is wrong
		_ = d.CloseWrite()
		_, err := d.Read(answer[:])
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil {
			return nil
		}
		if why := connectKind(err); why != Timeout {
			return &Error{Why: why, Op: "connect to " + e.words(), Err: err}
		}
	}
	within := ""
	if wait > 0 {
		within = fmt.Sprintf(" within %v", rounded(wait))
	}
	return &Error{Why: Timeout, Op: "connect to " + e.words(), Err: fmt.Errorf("no answer%s: open or filtered", within)}
}

// Memo returns a resolver that asks r once for each name. A failure is forgotten
// after a while; 0 is never. That there was no descriptor for the question is
// forgotten at once.
func (r Resolver) Memo(while time.Duration) Resolver {
	type key struct{ network, host string }
	type answer struct {
		sync.Mutex
		ips  []netip.Addr
		err  error
		when time.Time // zero is not asked yet
	}
	var mu sync.Mutex
	known := make(map[key]*answer)
	ask := r
	r.Lookup = func(ctx context.Context, network, host string) ([]netip.Addr, error) {
		mu.Lock()
		a := known[key{network, host}]
		if a == nil {
			a = new(answer)
			known[key{network, host}] = a
		}
		mu.Unlock()
		a.Lock()
		defer a.Unlock()
		passed := while > 0 && time.Since(a.when) > while
		if a.when.IsZero() || a.err != nil && (passed || connectKind(a.err) == NoDescriptor) {
			a.ips, a.err = ask.lookup(ctx, network, host)
			a.when = time.Now()
		}
		return append([]netip.Addr(nil), a.ips...), a.err
	}
	return r
}

// ParsePorts reads ports as a scan takes them, in order and without doubles:
// numbers, names of services, and ranges with digits on both sides
// ("8000-8010"; "http-alt" is a name), separated by commas.
func ParsePorts(words []string) ([]string, error) {
	var ports []string
	seen := make(map[string]bool)
	add := func(port string) {
		if !seen[port] {
			seen[port] = true
			ports = append(ports, port)
		}
	}
	for _, word := range words {
		for part := range strings.SplitSeq(word, ",") {
			if part == "" && word != "" {
				return nil, fmt.Errorf("bad ports %q: one is missing", word)
			}
			low, high, ok := strings.Cut(part, "-")
			if !ok || !digits(low) || !digits(high) {
				if err := CheckPort(part); err != nil {
					return nil, err
				}
				if digits(part) {
					part = canonical(part)
				}
				if part == "0" {
					return nil, errors.New("port 0 is only for listening")
				}
				add(part)
				continue
			}
			first, last, err := portRange(low, high)
			if err != nil {
				return nil, fmt.Errorf("bad range %q: %w", part, err)
			}
			for port := first; port <= last; port++ {
				add(strconv.Itoa(port))
			}
		}
	}
	return ports, nil
}

func portRange(low, high string) (first, last int, err error) {
	for _, port := range []string{low, high} {
		if err := CheckPort(port); err != nil {
			return 0, 0, err
		}
	}
	first, _ = strconv.Atoi(low) // CheckPort has looked at them
	last, _ = strconv.Atoi(high)
	switch {
	case first > last:
		return 0, 0, fmt.Errorf("%d is above %d", first, last)
	case first == 0:
		return 0, 0, errors.New("there is no port 0 to connect to")
	}
	return first, last, nil
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// canonical is a port's number without leading zeros.
func canonical(port string) string {
	n, _ := strconv.Atoi(port) // CheckPort has looked at it
	return strconv.Itoa(n)
}
