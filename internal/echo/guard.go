package echo

import (
	"hash/maphash"
	"time"
)

// A guard breaks loops between datagram servers: it lets a run of identical
// datagrams from one address through at a bounded rate. One forged packet would
// otherwise set two echo servers on each other for ever.
//
// It remembers fingerprints of (address, payload) in a small table of pairs
// that is overwritten as it fills, so that it costs the same for every datagram
// and nobody can make it grow. Several packets that circulate at once, in
// whatever order, are each held to the limit.
type guard struct {
	perSecond int // 0: no limit
	seed      maphash.Seed
	table     []repeat // a power of two, used in pairs
}

// A repeat is what is known of one fingerprint: how many of its datagrams were
// answered in the second that began at start, and in the one before.
type repeat struct {
	print        uint64
	start        int64 // nanoseconds
	count, older int32
}

func newGuard(perSecond int) *guard {
	return &guard{perSecond: perSecond, seed: maphash.MakeSeed(), table: make([]repeat, 4096)}
}

// allows reports whether a datagram with that payload from that address may be
// answered at the time now, in nanoseconds. The rate is a sliding one: what was
// answered in the last second, the second before weighted by its overlap.
func (g *guard) allows(address, payload []byte, now int64) bool {
	if g.perSecond == 0 {
		return true
	}
	var h maphash.Hash
	h.SetSeed(g.seed)
	h.Write(address)
	h.WriteByte(0)
	h.Write(payload)
	l := g.find(h.Sum64(), now)
	switch age := now - l.start; {
	case age >= 2*int64(time.Second):
		l.start, l.count, l.older = now, 0, 0
	case age >= int64(time.Second):
		l.start += int64(time.Second)
		l.count, l.older = 0, l.count
	}
	overlap := 1 - float64(now-l.start)/float64(time.Second)
	if float64(l.count)+float64(l.older)*overlap >= float64(g.perSecond) {
		return false
	}
	l.count++
	return true
}

// find returns the entry of that fingerprint, taking over the staler one of
// its pair when there is none.
func (g *guard) find(print uint64, now int64) *repeat {
	i := int(print) & (len(g.table) - 1) &^ 1
	a, b := &g.table[i], &g.table[i+1]
	switch {
	case a.print == print:
		return a
	case b.print == print:
		return b
	case b.start < a.start:
		a = b
	}
	*a = repeat{print: print, start: now}
	return a
}
