package conn

import (
	"bytes"
	"net"
	"net/netip"
	"sync"
)

// A DatagramSocket receives datagrams from every peer and answers each of them.
type DatagramSocket struct {
	*gramConn
	from    Sender // of the last datagram
	sending sync.Mutex
}

// NewDatagramSocket answers on c, which [ListenConfig.ListenPacket] bound or a service
// manager handed over.
func NewDatagramSocket(c net.Conn) *DatagramSocket {
	return &DatagramSocket{gramConn: newGramConn(c, true)}
}

// Receive returns the next datagram and its sender, which are valid until the next call.
// It takes at most most datagrams from the kernel at once. The sender of one that is too
// long is returned with an error.
func (d *DatagramSocket) Receive(most int) ([]byte, *Sender, error) {
	s, err := d.in.next(most)
	if s == nil {
		return nil, nil, err
	}
	d.in.sender(s, &d.from)
	return s.data, &d.from, err
}

// Send sends one datagram. If a Unix peer's queue has no room, the error is EAGAIN.
func (d *DatagramSocket) Send(p []byte, to *Sender) error {
	d.sending.Lock()
	defer d.sending.Unlock()
	_, err := d.send(p, nil, to)
	return err
}

// A Sender is the sender of a datagram, and how to answer it.
type Sender struct {
	addr     net.Addr // nil if it has none
	sockaddr []byte   // addr as a struct sockaddr
	control  []byte   // the answer's control messages, which choose its source address
	// AddrPort is the address of a sender in IP; one of IPv4 is never mapped to IPv6.
	AddrPort netip.AddrPort
	// ToMany is whether the datagram was sent to a broadcast or multicast address, where
	// that can be known (Linux).
	ToMany bool
}

// Addr is the sender's address; nil if it has none.
func (s *Sender) Addr() net.Addr { return s.addr }

// name is s's address in words; empty is none.
func (s *Sender) name() string {
	if s.addr == nil {
		return ""
	}
	return s.addr.String()
}

// Key is the sender's address in the system's form.
func (s *Sender) Key() []byte { return s.sockaddr }

// route is the sender's address and the one that answers leave from, for comparison.
func (s *Sender) route() string { return string(s.sockaddr) + string(s.control) }

// Clone returns a copy that stays valid.
func (s *Sender) Clone() *Sender {
	c := *s
	c.sockaddr, c.control = bytes.Clone(s.sockaddr), bytes.Clone(s.control)
	return &c
}

// sender sets from, which is the sender of the datagram before, to that of s. An address
// that is the same is not made again.
func (b *inbox) sender(s *arrival, from *Sender) {
	if from.addr == nil || !bytes.Equal(from.sockaddr, s.from) {
		from.addr, from.AddrPort = b.addr(s), netip.AddrPort{}
		from.sockaddr = append(from.sockaddr[:0], s.from...)
		if u, ok := from.addr.(*net.UDPAddr); ok {
			a := u.AddrPort()
			from.AddrPort = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
		}
	}
	from.control, from.ToMany = answerFrom(s.control)
}
