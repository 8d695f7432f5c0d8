//go:build unix

package echo

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
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
	var ledger ledger
	try := func(b []byte, name string) (err error) {
		to := &unix.SockaddrUnix{Name: name}
		closed := raw.Control(func(fd uintptr) {
			before, room := sendQueue(int(fd))
			if !ledger.fits(name, before, room) {
				err = unix.EAGAIN
				return
			}
			if err = unix.Sendto(int(fd), b, unix.MSG_DONTWAIT, to); err == nil {
				after, _ := sendQueue(int(fd))
				ledger.charge(name, after-before)
			}
		})
		return cmp.Or(closed, err)
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

// A ledger knows roughly how much of our send buffer is taken by what each Unix
// peer has not read yet: Linux counts that to the sender (unix(7)), and to a peer
// that is connected to us as much as there is room, so that one that never reads
// would leave nothing to the others. Who has read is not told; it is taken to be
// those first that had the least to read.
type ledger struct {
	held map[string]int
	sum  int
}

// fits reports whether a reply to that peer leaves room for others: a quarter of
// the buffer is for those who hold little of it.
func (l *ledger) fits(name string, queued, room int) bool {
	l.settle(queued)
	return queued <= room/4*3 || l.held[name] <= (room-queued)/2
}

// settle takes note that no more than that is queued.
func (l *ledger) settle(queued int) {
	if queued == 0 {
		clear(l.held)
		l.sum = 0
	}
	if l.sum <= queued {
		return
	}
	for _, name := range slices.SortedFunc(maps.Keys(l.held), func(a, b string) int { return l.held[a] - l.held[b] }) {
		n := min(l.held[name], l.sum-queued)
		l.sum -= n
		if l.held[name] -= n; l.held[name] > 0 {
			return
		}
		delete(l.held, name)
	}
}

// charge takes note of n more bytes for a peer.
func (l *ledger) charge(name string, n int) {
	if n <= 0 {
		return // read already
	}
	if l.held == nil {
		l.held = make(map[string]int)
	}
	l.held[name] += n
	l.sum += n
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
		waiting := len(q.replies)
		if waiting == 0 || time.Since(last) > limit {
			delete(p.queues, name)
			p.mu.Unlock()
			if waiting > 0 {
				p.report(Event{Kind: TimedOut, Remote: (&origin{name: name}).String(),
					What: fmt.Sprintf("timed out: %d replies were not taken for %v", waiting, limit)})
			}
			return
		}
		p.mu.Unlock()
		time.Sleep(wait)
		wait = min(2*wait, 50*time.Millisecond)
	}
}
