//go:build unix

package echo

import (
	"bytes"
	"errors"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// queueLength is how many replies wait for a Unix peer that does not read.
const queueLength = 64

// A queue holds the replies to a Unix peer whose own queue is full; a goroutine
// of its own tries again, so that nobody else waits.
type queue struct{ replies [][]byte }

// sendUnix sends to a Unix datagram socket without ever blocking.
func (p *packets) sendUnix(raw syscall.RawConn) func([]byte, *origin) error {
	try := func(b []byte, name string) (err error) {
		to := &unix.SockaddrUnix{Name: name}
		if e := raw.Control(func(fd uintptr) { err = unix.Sendto(int(fd), b, unix.MSG_DONTWAIT, to) }); e != nil {
			return e
		}
		return err
	}
	return func(b []byte, to *origin) error {
		p.mu.Lock()
		defer p.mu.Unlock()
		q := p.queues[to.name]
		if q == nil {
			err := try(b, to.name)
			if !full(err) {
				return err
			}
			if p.queues == nil {
				p.queues = make(map[string]*queue)
			}
			q = new(queue)
			p.queues[to.name] = q
			p.pending.Add(1)
			go p.empty(to.name, q, try)
		}
		if len(q.replies) >= queueLength {
			return fmt.Errorf("%d replies wait already: %w", queueLength, unix.EAGAIN)
		}
		q.replies = append(q.replies, bytes.Clone(b))
		return nil
	}
}

func full(err error) bool {
	return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOBUFS)
}

// empty sends what waits for one peer; it ends when that is done, the peer is
// gone, or the idle limit has passed without a reply being taken.
func (p *packets) empty(name string, q *queue, try func([]byte, string) error) {
	defer p.pending.Done()
	limit := p.server.Idle
	if limit == 0 {
		limit = time.Minute
	}
	for last, wait := time.Now(), time.Millisecond; ; {
		p.mu.Lock()
		var err error
		for len(q.replies) > 0 && err == nil {
			if err = try(q.replies[0], name); !full(err) {
				q.replies = q.replies[1:]
				last, wait = time.Now(), time.Millisecond
			}
		}
		if len(q.replies) == 0 || time.Since(last) > limit {
			delete(p.queues, name)
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
		time.Sleep(wait)
		wait = min(2*wait, 50*time.Millisecond)
	}
}
