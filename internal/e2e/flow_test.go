package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"testing"
)

// A flow is a long run of bytes that are not alike, the same for the same seed,
// so that a byte that is lost, doubled or moved is noticed.
func flow(seed uint64, n int64) io.Reader {
	var key [32]byte
	copy(key[:], fmt.Sprint(seed))
	return io.LimitReader(rand.NewChaCha8(key), n)
}

// flowText is a flow as a string.
func flowText(seed uint64, n int64) string {
	b, _ := io.ReadAll(flow(seed, n))
	return string(b)
}

// A tally is the length and the hash of what was read or written.
type tallied struct {
	n   int64
	sum string
}

func (a tallied) String() string { return fmt.Sprintf("%d bytes (%.8s)", a.n, a.sum) }

// tallyOf reads r to its end.
func tallyOf(r io.Reader) (tallied, error) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	return tallied{n, hex.EncodeToString(h.Sum(nil))}, err
}

// flowTally is the tally of the first n bytes of a flow.
func flowTally(seed uint64, n int64) tallied {
	sum, _ := tallyOf(flow(seed, n))
	return sum
}

// isFlow checks that got is the flow's beginning of exactly n bytes.
func isFlow(t *testing.T, what string, got string, seed uint64, n int64) {
	t.Helper()
	if int64(len(got)) != n {
		t.Errorf("%s: %d bytes, want %d", what, len(got), n)
		return
	}
	isFlowStart(t, what, got, seed)
}

// isFlowStart checks that got, however long, is where the flow begins.
func isFlowStart(t *testing.T, what string, got string, seed uint64) {
	t.Helper()
	want := flowText(seed, int64(len(got)))
	if got != want {
		i := 0
		for got[i] == want[i] {
			i++
		}
		t.Errorf("%s: %d bytes, and they differ from what was sent at %d", what, len(got), i)
	}
}

// A flood writes a flow until it is told to stop, and knows what it wrote.
type flood struct {
	wrote   atomic.Int64
	stopped atomic.Bool
	done    chan error
	seed    uint64
}

// startFlood floods w, which it leaves open.
func startFlood(w io.Writer, seed uint64) *flood {
	f := &flood{done: make(chan error, 1), seed: seed}
	go func() { // ends when told to, or when w fails
		source := flow(seed, 1<<40)
		buf := make([]byte, 32<<10)
		for !f.stopped.Load() {
			_, _ = io.ReadFull(source, buf)
			n, err := w.Write(buf)
			f.wrote.Add(int64(n))
			if err != nil {
				f.done <- err
				return
			}
		}
		f.done <- nil
	}()
	return f
}

// stop ends the flood; its reader must be reading.
func (f *flood) stop() error {
	f.stopped.Store(true)
	return <-f.done
}

func (f *flood) tally() tallied { return flowTally(f.seed, f.wrote.Load()) }
