package conn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// Datagrams is the client's side of a conversation in datagrams as a Stream.
//
// After CloseWrite, Read waits for answers until none has come for Wait, and then
// returns io.EOF or, if fewer than Want answers came, an error of kind [Timeout]. A peer
// that refuses (ICMP port unreachable) ends it with an [Error] from Read; while no answer
// has come the other addresses of its name are tried first.
type Datagrams struct {
	gramStream
	// Wait is how long answers are waited for after CloseWrite; 0 is not at all,
	// negative is for ever.
	Wait time.Duration
	// Moved, if set, is called when another address of the peer is tried.
	Moved func(net.Conn)

	dial  func(i int) (net.Conn, error) // address i
	names []string                      // of the addresses

	at      int       // which address conn is connected to
	history [][]byte  // what was sent before the first answer
	kept    int       // bytes in history
	ended   bool      // CloseWrite was called
	until   time.Time // when the wait is over
	failed  error     // what ended the conversation
}

// keepMost bounds what is kept to be sent again to another address.
const keepMost = 1 << 20

// DialDatagrams opens a socket to e. It sends nothing, and does not know whether there
// is a peer.
func (d *Dialer) DialDatagrams(ctx context.Context, e Endpoint) (*Datagrams, error) {
	if e.CAN() {
		c, err := openCAN(e, d.LocalHost, d.Socket, false)
		if err != nil {
			return nil, &Error{Why: ConnectKind(err), Op: "connect to " + e.Address(), Err: err}
		}
		return newDatagrams(c), nil
	}
	first := *d
	// One look-up for Dial and for the names below; failures are asked for again.
	first.Resolver = d.Resolver.Memo(time.Nanosecond)
	c, err := first.Dial(ctx, e)
	if err != nil {
		return nil, err
	}
	g := newDatagrams(c)
	if e.Unix() {
		return g, nil
	}
	connected, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	addresses, _ := first.Resolver.addresses(ctx, e)
	for i, a := range addresses {
		g.names = append(g.names, a.Addr().String())
		if g.names[i] == connected {
			g.names[0], g.names[i] = g.names[i], g.names[0]
		}
	}
	g.dial = func(i int) (net.Conn, error) {
		other := e
		other.Host = g.names[i]
		return (&Dialer{LocalHost: d.LocalHost, LocalPort: d.LocalPort, Socket: d.Socket}).Dial(context.Background(), other)
	}
	return g, nil
}

func newDatagrams(c net.Conn) *Datagrams {
	return &Datagrams{gramStream: gramStream{conn: newGramConn(c, false)}}
}

// Read returns one datagram, or several with Batch.
func (d *Datagrams) Read(p []byte) (int, error) {
	for {
		c, waits, err := d.prepareRead()
		if err != nil {
			return 0, err
		}
		if waits {
			d.progress.Pause() // the wait takes the place of the idle limit
		}
		n, err := d.receive(c, p, nil)
		if waits {
			d.progress.Resume()
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = cmp.Or(pendingError(rawConn(c.Conn)), err) // a refusal that has come counts, also if nothing is waited for
		}
		switch {
		case err == nil, err == io.EOF:
			return n, err
		case errors.Is(err, os.ErrDeadlineExceeded):
			if err := d.silent(c); err != nil {
				return 0, err
			}
		case errors.Is(err, syscall.EMSGSIZE):
			// A router has dropped a datagram that was longer than the MTU of its next
			// link. The kernel got the same ICMP message, and fragments the next ones.
		default:
			d.broken(c, err)
		}
	}
}

// prepareRead returns the socket to read from, and whether the read is a wait for an
// answer, whose deadline is set; or the error that ended the conversation.
func (d *Datagrams) prepareRead() (c *gramConn, waits bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.failed != nil:
		return nil, false, d.failed
	case d.conn.in.draining():
	case d.ended && d.Wait >= 0:
		d.until = time.Now().Add(d.Wait)
		_ = d.conn.SetReadDeadline(d.until)
		waits = true
	}
	return d.conn, waits, nil
}

// silent handles a read whose deadline passed. It returns nil if Read is to try again:
// on another socket, or because the process was stopped and answers may have come.
func (d *Datagrams) silent(c *gramConn) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.failed != nil || d.conn != c:
		return d.failed
	case !d.ended:
		return nil
	case d.Wait > 0 && (leapt(d.Wait, time.Since(d.until)) || ReadyToRead(rawConn(c.Conn))):
		return nil
	}
	return d.end()
}

// end is the result of a wait for answers that is over.
func (d *Datagrams) end() error {
	if d.got >= d.Want {
		return io.EOF
	}
	words := "no answer"
	if d.Want > 1 {
		words = fmt.Sprintf("%d of %d answers", d.got, d.Want)
	}
	if d.Wait > 0 {
		words += fmt.Sprintf(" within %v", d.Wait)
		if d.got > 0 {
			words += " of the last one"
		}
	}
	return &Error{Why: Timeout, Err: errors.New(words)}
}

// Write sends p as one datagram, or as those that Cut finds in it. If the peer refuses
// or a datagram cannot be sent, Read returns the error, and no more is sent.
func (d *Datagrams) Write(p []byte) (int, error) {
	c := d.keep(p)
	if c == nil {
		return 0, nil
	}
	defer d.part.Store(0)
	n, err := d.send(c, p, nil)
	if err == nil {
		return n, nil
	}
	if !refusal(err) && !errors.Is(err, syscall.EMSGSIZE) {
		err = &sendError{error: err}
	}
	if d.broken(c, err) {
		return len(p), nil // it was sent to the other address, with what was kept
	}
	return n, nil
}

// keep adds p to history, and returns the socket to send it on; nil if the conversation
// has failed.
func (d *Datagrams) keep(p []byte) *gramConn {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.failed != nil:
		return nil
	case d.got > 0 || d.at+1 >= len(d.names):
		d.history = nil
	case d.kept+len(p) > keepMost:
		d.names, d.history = d.names[:d.at+1], nil // too much to send again
	default:
		d.kept += len(p) + 1
		d.history = append(d.history, append([]byte(nil), p...))
	}
	return d.conn
}

// broken handles an error of c. It reports whether another address is used from now on.
func (d *Datagrams) broken(c *gramConn, err error) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failed != nil {
		return false
	}
	if d.conn != c {
		return true // the other direction was faster
	}
	for refusal(err) && d.got == 0 && d.at+1 < len(d.names) {
		d.at++
		next, e := d.dial(d.at)
		if e == nil && d.move(newGramConn(next, false)) {
			return true
		}
		if e != nil && ConnectKind(e) == NoDescriptor {
			err = e // that address was not tried
		}
	}
	d.failed = d.failure(err)
	_ = d.conn.SetReadDeadline(time.Unix(1, 0)) // wakes Read, which returns it
	return false
}

func (d *Datagrams) failure(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Why: ConnectKind(err), Err: err}
		if refusal(err) && len(d.names) > 1 {
			e.Err = fmt.Errorf("%s (%s)", Words(err), strings.Join(d.names, ", "))
		}
	}
	if e.Why != Local && (d.got > 0 || EndpointOf(d.conn.LocalAddr()).CAN() && e.Why != BadAddress && e.Why != Timeout) {
		e.Why = ResetByPeer
	}
	return e
}

// refusal reports whether there is no peer, as ICMP or the kernel says.
func refusal(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// move goes on with another socket and sends history on it, which may be refused.
func (d *Datagrams) move(to *gramConn) bool {
	old := d.conn
	d.conn = to
	_ = old.SetReadDeadline(time.Unix(1, 0))
	_ = old.Close()
	for _, p := range d.history {
		for again := true; again; again = len(p) > 0 {
			n, err := to.send(p, d.Cut, nil)
			if err != nil {
				return false
			}
			p = p[n:]
		}
	}
	if d.Moved != nil {
		d.Moved(to.Conn)
	}
	return true
}

// moved reports whether another address of the peer is used than at first.
func (d *Datagrams) moved() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at > 0
}

// CloseWrite makes Read begin the wait for the last answers.
func (d *Datagrams) CloseWrite() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.ended && d.Wait >= 0 {
		_ = d.conn.SetReadDeadline(time.Unix(1, 0))
	}
	d.ended = true
	return nil
}
