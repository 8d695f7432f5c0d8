//go:build !linux

package conn

import (
	"errors"
	"io"
	"net"
)

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
	s := arrival{}
	var n, flags int
	var err error
	r.from = nil
	switch c := r.conn.(type) {
	case interface {
		ReadMsgUnix(b, oob []byte) (n, oobn, flags int, addr *net.UnixAddr, err error)
	}:
		var from *net.UnixAddr
		n, _, flags, from, err = c.ReadMsgUnix(r.buf, nil)
		if from != nil && from.Name != "" {
			r.from = from
		}
	case net.PacketConn:
		n, r.from, err = c.ReadFrom(r.buf)
	default:
		n, err = c.Read(r.buf)
	}
	if errors.Is(err, io.EOF) {
		err = nil // of a unixpacket socket: an empty message, or the end
	}
	if err != nil {
		return nil, err
	}
	if r.from != nil {
		s.from = []byte(r.from.String())
	}
	s.data, s.cut = r.buf[:n], flags&msgTrunc != 0
	return []arrival{s}, nil
}

func (b *inbox) addr(*arrival) net.Addr { return b.from }

// An outbox sends one datagram at a time.
type outbox struct{ conn net.Conn }

func newOutbox(c net.Conn) *outbox { return &outbox{c} }

func (o *outbox) send(p []byte, cut Cut, to *packetPeer) (sent int, err error) {
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
