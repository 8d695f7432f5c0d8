//go:build !linux

package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"syscall"
)

// Only Linux is asked how much the peer's kernel has taken.
func (s *Socket) Unacknowledged() int64 { return 0 }
func (s *Socket) queued() int64         { return 0 }
func (s *Socket) alive() bool           { return false }
func (s *Socket) Broken() bool          { return false }

// Acknowledged returns at once, with the error that is pending on the socket.
func (s *Socket) Acknowledged(ctx context.Context) error { return s.deliveryError(ctx.Err()) }

func (s *Socket) deliveryError(err error) error {
	if pending := pendingError(s.raw); pending != nil {
		return &Error{Why: NotDelivered, Err: pending}
	}
	return err
}

// peerEOF takes a read of nothing for the peer's end of file.
func (s *Socket) peerEOF() bool { return true }

// set refuses all options: they are set on Linux only.
func (o *SocketOptions) set(network string, fd uintptr) error {
	if o.TOS == 0 && o.TTL == 0 && o.Interface == "" && o.SendBuffer == 0 && o.ReceiveBuffer == 0 && !o.ReusePort {
		return nil
	}
	return &Error{Why: Unsupported, Err: fmt.Errorf("socket options are not set on %s", runtime.GOOS)}
}

// setCongestion refuses what was asked for by name.
func (o *SocketOptions) setCongestion(uintptr, string) error {
	if o.Congestion == "" || o.Congestion == "system" {
		return nil
	}
	return &Error{Why: Unsupported, Op: fmt.Sprintf("congestion control %q", o.Congestion), Err: syscall.ENOPROTOOPT}
}

// abstractNames is false: @NAME would be a file here.
const abstractNames = false

// StartPoller does nothing here.
func StartPoller() error { return nil }

// There is no splice path here: everything is copied.
type splicePath struct{}

func (c *conversation) path(*direction) *splicePath { return nil }
func (*splicePath) ready() bool                     { return false }
func (*splicePath) step() step                      { return step{} }
func (*splicePath) copied(int)                      {}
func (*splicePath) pending() int                    { return 0 }
func (*splicePath) close()                          {}

func listenVsock(Endpoint) (net.Listener, error)            { return nil, syscall.EAFNOSUPPORT }
func dialVsock(context.Context, Endpoint) (net.Conn, error) { return nil, syscall.EAFNOSUPPORT }

// CAN sockets do not exist here.
type canConn struct{ *net.UDPConn }

func (*canConn) gone() bool { return false }

func (Endpoint) canPlace() (none struct{}, err error) { return none, nil }
func CheckJ1939(string) error                         { return nil }

func openCAN(Endpoint, string, SocketOptions, bool) (*canConn, error) {
	return nil, &Error{Why: Unsupported, Err: fmt.Errorf("%s has no CAN sockets", runtime.GOOS)}
}

// dialTCP is the dial alone here: what an early reset leaves is not read.
func dialTCP(ctx context.Context, d *net.Dialer, to netip.AddrPort) (net.Conn, error) {
	return d.DialContext(ctx, "tcp", to.String())
}

// The destination of a datagram is not known here: answers leave from the address that
// the system chooses.
func askDestination(*net.UDPConn) int                { return 0 }
func answerFrom([]byte) (answer []byte, toMany bool) { return nil, false }
func onlyJoined(*net.UDPConn)                        {}

// A receiver receives one datagram at a time.
type receiver struct {
	conn net.Conn
	buf  []byte
	from net.Addr // of the one received last
}

func newInbox(c net.Conn, size, _ int) *inbox {
	return &inbox{receiver: receiver{conn: c, buf: make([]byte, size)}}
}

func (r *receiver) receive(int) ([]arrival, error) {
	n, from, err := r.conn.(net.PacketConn).ReadFrom(r.buf)
	if err != nil && !errors.Is(err, io.EOF) { // of a unixpacket socket: an empty message, or the end
		return nil, err
	}
	s := arrival{data: r.buf[:n]}
	if r.from = from; from != nil {
		s.from = []byte(from.String())
	}
	return []arrival{s}, nil
}

func (b *inbox) addr(*arrival) net.Addr { return b.from }

// An outbox sends one datagram at a time.
type outbox struct {
	conn   net.Conn
	noWait bool // not needed: a full peer is ENOBUFS here
}

func newOutbox(c net.Conn) *outbox { return &outbox{conn: c} }

func (o *outbox) send(p []byte, cut Cut, to *Sender) (sent int, err error) {
	for first := true; first || sent < len(p); first = false {
		n := cut.first(p[sent:])
		if to == nil {
			_, err = o.conn.Write(p[sent : sent+n])
		} else {
			_, err = o.conn.(net.PacketConn).WriteTo(p[sent:sent+n], to.addr)
		}
		if err != nil {
			return sent, err
		}
		sent += n
	}
	return sent, nil
}

// Dropped is not known here.
func Dropped(net.Conn) int64 { return 0 }
