package echo

import (
	"hash/maphash"
	"time"
)

// quiet is the silence that ends a run of identical datagrams: longer than one
// round of any loop worth breaking.
const quiet = 10 * time.Second

// A loopGuard breaks loops between datagram servers. Of a run of identical datagrams
// from one address it permits the first most, and then none until quiet has passed
// since the last that it permitted. Without it one forged packet could keep two echo
// servers busy for ever; a loop ends with its first unanswered datagram.
//
// It keeps fingerprints of (address, payload) in a table of 4096 entries, used in
// pairs and overwritten as it fills: each datagram costs the same, and no peer can
// make the table grow. Packets that circulate at the same time are counted
// separately.
type loopGuard struct {
	most  int
	seed  maphash.Seed
	table []repeat // a power of two, used in pairs
}

// A repeat is a run of one fingerprint: how many of its datagrams were answered,
// and when the last of them was.
type repeat struct {
	print uint64
	last  int64 // nanoseconds
	count int
}

func newLoopGuard(most int) *loopGuard {
	return &loopGuard{most: most, seed: maphash.MakeSeed(), table: make([]repeat, 4096)}
}

// allows reports whether a datagram with that payload from that address may be
// answered at the time now, in nanoseconds.
func (g *loopGuard) allows(address, payload []byte, now int64) bool {
	var h maphash.Hash
	h.SetSeed(g.seed)
	h.Write(address)
	h.WriteByte(0)
	h.Write(payload)
	r := g.find(h.Sum64())
	if now-r.last >= int64(quiet) {
		r.count = 0
	}
	if r.count >= g.most {
		return false
	}
	r.count++
	r.last = now
	return true
}

// find returns the entry of that fingerprint. If there is none, it replaces the
// older entry of the pair.
func (g *loopGuard) find(print uint64) *repeat {
	i := int(print) & (len(g.table) - 1) &^ 1
	a, b := &g.table[i], &g.table[i+1]
	switch {
	case a.print == print:
		return a
	case b.print == print:
		return b
	case b.last < a.last:
		a = b
	}
	*a = repeat{print: print}
	return a
}
