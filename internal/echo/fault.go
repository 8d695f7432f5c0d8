package echo

import (
	"math/rand/v2"
	"time"
)

// A How is the way in which a connection ends.
type How int

// The ways to end.
const (
	Close How = iota // in order: FIN, drain, close
	Reset            // RST
	Hang             // not at all: silence, with the connection up
)

// Faults are what goes wrong on purpose. The zero value is nothing.
type Faults struct {
	// FailFirst is how many connections, the first ones, end at once as Fail
	// says.
	FailFirst int64
	Fail      How
	// NoAccept takes nobody out of the backlog.
	NoAccept bool
	// NoRead reads nothing, so that clients cannot write for ever.
	NoRead bool
	// OnEOF is what follows the peer's end of file.
	OnEOF How
	// DelayMin and DelayMax bound the pause before each reply.
	DelayMin, DelayMax time.Duration
	// Rate is how many bytes a second are sent.
	Rate int64
	// Chunk is how many bytes are sent at a time.
	Chunk int
	// Limits end the sending; the first that is reached counts.
	Limits []Limit
	// Corrupt is the probability that a bit of a reply is flipped.
	Corrupt float64
	// Loss, Duplicate and Reorder are probabilities for each datagram.
	Loss, Duplicate, Reorder float64
	// Spared is the probability that a connection (or a datagram) is hit by none
	// of these, FailFirst apart.
	Spared float64
	// Seed makes them the same again.
	Seed uint64
}

// any reports whether there are faults for connections.
func (f *Faults) any() bool {
	return f.FailFirst > 0 || f.NoAccept || f.NoRead || f.OnEOF != Close || f.DelayMax > 0 || f.Rate > 0 || f.Chunk > 0 ||
		len(f.Limits) > 0 || f.Corrupt > 0
}

// anyPacket reports whether there are faults for datagrams.
func (f *Faults) anyPacket() bool {
	return f.Loss > 0 || f.Duplicate > 0 || f.Reorder > 0 || f.DelayMax > 0 || f.Corrupt > 0 || f.NoRead || f.NoAccept
}

// A plan is what awaits one connection (or datagram). Its dice depend on the
// seed and the connection's number alone, not on what others do meanwhile.
type plan struct {
	dice  *rand.Rand
	spare bool
}

func (f *Faults) plan(number int64) plan {
	p := plan{dice: rand.New(rand.NewPCG(f.Seed, uint64(number)))}
	p.spare = p.chance(f.Spared)
	return p
}

// chance throws the dice; nothing is thrown when there is nothing to decide.
func (p *plan) chance(probability float64) bool {
	return probability > 0 && p.dice.Float64() < probability
}

// delay is the next pause between the bounds.
func (p *plan) delay(f *Faults) time.Duration {
	if f.DelayMax <= f.DelayMin {
		return f.DelayMin
	}
	return f.DelayMin + time.Duration(p.dice.Int64N(int64(f.DelayMax-f.DelayMin)+1))
}

// flip flips one bit of b and says which.
func (p *plan) flip(b []byte) (offset, bit int) {
	i := p.dice.IntN(8 * len(b))
	b[i/8] ^= 1 << (i % 8)
	return i / 8, i % 8
}

// A Limit is after how many bytes sent (by the service Discard: received) the
// sending ends, and how; 0 is before the first.
type Limit struct {
	How   LimitKind
	Bytes int64
}

// A LimitKind is what happens at a Limit.
type LimitKind int

// The kinds of limit.
const (
	noLimit        LimitKind = iota
	CloseAfter               // in order
	ResetAfter               // RST
	StallAfter               // silence, with the connection up
	HalfCloseAfter           // FIN, and what comes is thrown away
)

// limit is the first limit.
func (f *Faults) limit() (first Limit) {
	for _, l := range f.Limits {
		if first.How == noLimit || l.Bytes < first.Bytes {
			first = l
		}
	}
	return first
}

// Random reports whether anything is left to chance.
func (f *Faults) Random() bool {
	return f.Corrupt > 0 || f.Loss > 0 || f.Duplicate > 0 || f.Reorder > 0 || f.DelayMax > f.DelayMin || f.Spared > 0
}
