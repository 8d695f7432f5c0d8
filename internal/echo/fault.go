package echo

import (
	"crypto/tls"
	"math/rand/v2"
	"time"

	"gcat/internal/tlsconn"
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
	// NoAccept leaves all clients in the backlog.
	NoAccept bool
	// NoRead reads nothing, so that clients cannot write for ever.
	NoRead bool
	// OnEOF is what follows the peer's end of file.
	OnEOF How
	// Delays are the pauses of which one is drawn for each reply, by weight.
	Delays []Delay
	// Rate is how many bytes a second are sent.
	Rate int64
	// Chunk is how many bytes are sent at a time.
	Chunk int
	// Limits end the sending; the first that is reached counts.
	Limits []Limit
	// Corrupt is the probability that a bit of a reply is flipped.
	Corrupt float64
	// TLS is done to the handshake, or with the certificate of BadTLS, which is
	// then used in place of the socket's.
	TLS    tlsconn.Fault
	BadTLS *tls.Config
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
	return f.FailFirst > 0 || f.NoAccept || f.NoRead || f.OnEOF != Close || len(f.Delays) > 0 || f.Rate > 0 || f.Chunk > 0 ||
		len(f.Limits) > 0 || f.Corrupt > 0 || f.TLS != ""
}

// anyPacket reports whether there are faults for datagrams.
func (f *Faults) anyPacket() bool {
	return f.Loss > 0 || f.Duplicate > 0 || f.Reorder > 0 || len(f.Delays) > 0 || f.Corrupt > 0 || f.NoRead || f.NoAccept
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

// delay draws the next pause. The dice are thrown only where there is a choice.
func (p *plan) delay(f *Faults) time.Duration {
	if len(f.Delays) == 0 {
		return 0
	}
	d := f.Delays[0]
	if len(f.Delays) > 1 {
		d = f.drawn(p.dice.Float64())
	}
	if d.Max <= d.Min {
		return d.Min
	}
	return d.Min + time.Duration(p.dice.Int64N(int64(d.Max-d.Min)+1))
}

// drawn is the delay that a throw from 0 to 1 picks.
func (f *Faults) drawn(throw float64) Delay {
	sum := 0.0
	for _, d := range f.Delays {
		sum += d.Weight
	}
	throw *= sum
	for _, d := range f.Delays {
		if throw -= d.Weight; throw < 0 {
			return d
		}
	}
	return f.Delays[len(f.Delays)-1]
}

// A Delay is a pause from Min to Max. Weight is how often it is taken, in
// proportion to the others.
type Delay struct {
	Min, Max time.Duration
	Weight   float64
}

// flip flips one bit of b and says which.
func (p *plan) flip(b []byte) (offset, bit int) {
	i := p.dice.IntN(8 * len(b))
	b[i/8] ^= 1 << (i % 8)
	return i / 8, i % 8
}

// A Limit is when the sending ends, and how: after so many bytes sent (by the
// service Discard: received), 0 being before the first, or when the connection has
// lasted for Time, if that is not 0.
type Limit struct {
	How   LimitKind
	Bytes int64
	Time  time.Duration
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

// limit is the first limit of bytes.
func (f *Faults) limit() (first Limit) {
	for _, l := range f.Limits {
		if l.Time > 0 {
			continue
		}
		if first.How == noLimit || l.Bytes < first.Bytes {
			first = l
		}
	}
	return first
}

func (k LimitKind) String() string {
	return [...]string{"nothing", "closed", "reset", "stalled", "half-closed"}[k]
}

// Random reports whether anything is left to chance.
func (f *Faults) Random() bool {
	return f.Corrupt > 0 || f.Loss > 0 || f.Duplicate > 0 || f.Reorder > 0 || len(f.Delays) > 1 || len(f.Delays) == 1 && f.Delays[0].Max > f.Delays[0].Min || f.Spared > 0
}
