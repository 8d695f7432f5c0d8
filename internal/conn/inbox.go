package conn

import (
	"fmt"
	"math"
)

// An inbox receives datagrams from a socket, several in one call where the system can
// do that, and returns them from read.
type inbox struct {
	receiver           // of this system
	got      []arrival // what was received
	next     int       // the first of them that read has not returned
	rest     []byte    // the part of the last one returned that did not fit in p
}

// An arrival is a datagram that was received.
type arrival struct {
	data      []byte
	truncated bool   // the datagram was longer than data
	from      []byte // the sender's struct sockaddr; empty is no address
	control   []byte // its control messages (recvmsg(2))
}

// Datagrams of UDP are shorter than udpSlot, and those of a Unix socket, with the
// system's buffer sizes (wmem_default, socket(7)), than bigMessage.
const (
	udpSlot    = 64 << 10
	bigMessage = 256 << 10
)

// read puts one datagram in p or, with batch, as many of those received as fit, one
// after the other. count is how many of them end in p: no more than most, where 0 is no
// limit. The next read returns the part of a datagram that does not fit. Datagrams
// for which take, if set, returns false are dropped.
func (b *inbox) read(p []byte, batch bool, most int, take func(*arrival) bool) (n, count int, err error) {
	if most == 0 {
		most = math.MaxInt
	}
	if len(b.rest) > 0 {
		n = copy(p, b.rest)
		if b.rest = b.rest[n:]; len(b.rest) == 0 {
			count = 1
		}
		return n, count, nil
	}
	for count == 0 || batch && count < most {
		if b.next == len(b.got) {
			if count > 0 {
				break
			}
			if b.got, err = b.receive(most); err != nil {
				b.got, b.next = nil, 0
				return 0, 0, err
			}
			b.next = 0
		}
		s := &b.got[b.next]
		if count > 0 && (s.truncated || len(s.data) > len(p)-n) {
			break
		}
		b.next++
		if s.truncated {
			return 0, 0, errTruncated
		}
		if take != nil && !take(s) {
			continue
		}
		m := copy(p[n:], s.data)
		n += m
		if b.rest = s.data[m:]; len(b.rest) > 0 {
			break
		}
		count++
	}
	return n, count, nil
}

var errTruncated error = &Error{Why: Local, Err: fmt.Errorf("a message of more than %d bytes came", bigMessage)}

// sendAll sends all datagrams in p to the connected peer.
func (o *outbox) sendAll(p []byte, cut Cut) error {
	n, err := o.send(p, cut, nil)
	if err == nil && n < len(p) {
		return o.sendAll(p[n:], cut)
	}
	return err
}
