package conn

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// An inbox receives datagrams from a socket, several in one call where the system can
// do that, and returns them from read.
type inbox struct {
	receiver           // of this system
	got      []arrival // what was received
	at       int       // the first of them that next has not returned
	rest     []byte    // the part of the last one returned that did not fit in p

	drainEnd atomic.Pointer[time.Time] // when the drain is over; nil is none
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

// next returns a datagram, which is valid until the next call. It receives at most most
// of them at once. One that was longer than the buffer is returned, cut, with errTruncated.
func (b *inbox) next(most int) (*arrival, error) {
	for b.at == len(b.got) {
		var err error
		b.at = 0
		b.got, err = b.receive(most)
		if errors.Is(err, os.ErrDeadlineExceeded) && b.draining() {
			err = b.drained()
		}
		if err != nil {
			b.got = nil
			return nil, err
		}
	}
	s := &b.got[b.at]
	b.at++
	if s.truncated {
		return s, errTruncated
	}
	return s, nil
}

// drain makes next return what the kernel has, for up to drainStuck, and then io.EOF.
func (b *inbox) drain() {
	end := time.Now().Add(drainStuck)
	b.drainEnd.Store(&end)
	_ = b.conn.SetReadDeadline(time.Unix(1, 0))
}

func (b *inbox) draining() bool { return b.drainEnd.Load() != nil }

// drained returns io.EOF unless there is a datagram to receive before the drain is over.
func (b *inbox) drained() error {
	end := *b.drainEnd.Load()
	if time.Now().After(end) || !ReadyToRead(rawConn(b.conn)) {
		return io.EOF
	}
	return b.conn.SetReadDeadline(end)
}

// fits reports whether there is a datagram that was received with the last one and has at
// most n bytes.
func (b *inbox) fits(n int) bool {
	return b.at < len(b.got) && !b.got[b.at].truncated && len(b.got[b.at].data) <= n
}

// read puts one datagram in p or, with batch, as many of those received as fit, one
// after the other. count is how many of them end in p: no more than most. The next read
// returns the part of a datagram that does not fit. Datagrams for which take, if set,
// returns false are dropped.
func (b *inbox) read(p []byte, batch bool, most int, take func(*arrival) bool) (n, count int, err error) {
	if len(b.rest) > 0 {
		n = copy(p, b.rest)
		if b.rest = b.rest[n:]; len(b.rest) == 0 {
			count = 1
		}
		return n, count, nil
	}
	for count == 0 || batch && count < most && b.fits(len(p)-n) {
		s, err := b.next(most)
		if s != nil && take != nil && !take(s) {
			continue
		}
		if err != nil {
			return 0, 0, err
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
