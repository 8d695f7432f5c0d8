package wire

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// A Fault is what the wire does to packets, the same both ways. The zero value
// is a perfect wire.
type Fault struct {
	// Loss, Duplicate and Reorder are the shares of packets, from 0 to 1, that
	// are lost, come twice, and come later than those behind them.
	Loss, Duplicate, Reorder float64
	// Delay is how long every packet takes.
	Delay time.Duration
	// MTU, if not 0, is the length above which packets vanish without a word: a
	// black hole.
	MTU int
	// Cut loses everything.
	Cut bool
}

// A Wire connects two hosts, A at 10.9.0.1 and B at 10.9.0.2. The rest of
// 10.9.0.0/24 is silence.
type Wire struct {
	A, B *Host

	fault atomic.Pointer[Fault]
	seed  uint64
	ends  sync.WaitGroup
	done  chan struct{}
	moved atomic.Int64
}

// later is how much later a reordered packet comes.
const later = 3 * time.Millisecond

// New makes two hosts with a wire between them. The same seed draws the same
// random numbers.
func New(t testing.TB, seed uint64, fault Fault) *Wire {
	t.Helper()
	w := &Wire{A: NewHost(t), B: NewHost(t), seed: seed, done: make(chan struct{})}
	w.Set(fault)
	for i, h := range []*Host{w.A, w.B} {
		if err := h.plug(netip.AddrFrom4([4]byte{10, 9, 0, byte(i + 1)})); err != nil {
			script.Missing(t, fmt.Sprintf("a TUN device: %v", err))
		}
	}
	w.ends.Go(func() { w.carry(w.A.tun, w.B.tun, 1) })
	w.ends.Go(func() { w.carry(w.B.tun, w.A.tun, 2) })
	t.Cleanup(func() {
		close(w.done)
		_, _ = w.A.tun.Close(), w.B.tun.Close()
		w.ends.Wait()
	})
	return w
}

// Set changes what the wire does from the next packet on.
func (w *Wire) Set(fault Fault) { w.fault.Store(&fault) }

// Packets is how many packets have come out of the wire.
func (w *Wire) Packets() int64 { return w.moved.Load() }

// carry takes packets from one end to the other. It ends when the device is
// closed.
func (w *Wire) carry(from, to *os.File, direction uint64) {
	random := rand.New(rand.NewPCG(w.seed, direction))
	late := newQueue(func(p []byte) { w.deliver(to, p) })
	w.ends.Go(func() { late.run(w.done) })
	buf := make([]byte, 1<<16)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		f := w.fault.Load()
		if f.Cut || f.MTU > 0 && n > f.MTU || random.Float64() < f.Loss {
			continue
		}
		copies := 1
		if random.Float64() < f.Duplicate {
			copies = 2
		}
		delay := f.Delay
		if random.Float64() < f.Reorder {
			delay += later
		}
		for range copies {
			if delay == 0 {
				w.deliver(to, buf[:n])
			} else {
				late.add(time.Now().Add(delay), append([]byte(nil), buf[:n]...))
			}
		}
	}
}

func (w *Wire) deliver(to *os.File, p []byte) {
	if w.fault.Load().Cut {
		return // it was under way
	}
	if _, err := to.Write(p); err == nil {
		w.moved.Add(1)
	}
}

// A queue holds packets until they are due; those due at the same time keep
// their order.
type queue struct {
	mu      sync.Mutex
	packets packets
	n       uint64
	wake    chan struct{}
	deliver func([]byte)
}

func newQueue(deliver func([]byte)) *queue {
	return &queue{wake: make(chan struct{}, 1), deliver: deliver}
}

func (q *queue) add(due time.Time, p []byte) {
	q.mu.Lock()
	q.n++
	heap.Push(&q.packets, packet{due, q.n, p})
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// run delivers until done is closed.
func (q *queue) run(done <-chan struct{}) {
	for {
		var wait <-chan time.Time
		q.mu.Lock()
		for len(q.packets) > 0 {
			pause := time.Until(q.packets[0].due)
			if pause > 0 {
				wait = time.After(pause)
				break
			}
			p := heap.Pop(&q.packets).(packet)
			q.mu.Unlock()
			q.deliver(p.data)
			q.mu.Lock()
		}
		q.mu.Unlock()
		select {
		case <-done:
			return
		case <-q.wake:
		case <-wait:
		}
	}
}

type packet struct {
	due  time.Time
	n    uint64
	data []byte
}

// packets is a heap (container/heap) with the packet due first on top.
type packets []packet

func (p packets) Len() int { return len(p) }
func (p packets) Less(i, j int) bool {
	return p[i].due.Before(p[j].due) || p[i].due.Equal(p[j].due) && p[i].n < p[j].n
}
func (p packets) Swap(i, j int) { p[i], p[j] = p[j], p[i] }
func (p *packets) Push(x any)   { *p = append(*p, x.(packet)) }
func (p *packets) Pop() any {
	last := len(*p) - 1
	x := (*p)[last]
	*p = (*p)[:last]
	return x
}
