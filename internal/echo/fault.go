package echo

import (
	"crypto/tls"
	"math/rand/v2"
	"time"

	"gcat/internal/tlsconn"
)

// A How is how a connection ends.
type How int

// The values of How.
const (
	Close  How = iota // in order: FIN, drain, close
	Reset             // RST
	Hang              // not at all: silence, with the connection up
	Halved            // FIN; received bytes are discarded (of a Limit)
)

// Faults are what goes wrong on purpose. The zero value is nothing.
type Faults struct {
	// FailFirst is how many connections, the first ones, fail: Fail is how.
	FailFirst int64
	Fail      How
	// NoAccept accepts no connection: clients stay in the backlog.
	NoAccept bool
	// NoRead reads nothing, so that clients block once the buffers are full.
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
	// TLS is the fault of the handshake. A fault of the certificate uses BadTLS in
	// place of the socket's configuration.
	TLS    tlsconn.Fault
	BadTLS *tls.Config
	// Loss, Duplicate and Reorder are probabilities for each datagram.
	Loss, Duplicate, Reorder float64
	// Spared is the probability that none of these applies to a connection (or a
	// datagram). FailFirst applies regardless.
	Spared float64
	// Seed determines the random choices.
	Seed uint64
}

// any reports whether there are faults for connections.
func (f *Faults) any() bool {
	return f.FailFirst > 0 || f.NoAccept || f.NoRead || f.OnEOF != Close || len(f.Delays) > 0 || f.Rate > 0 || f.Chunk > 0 ||
		len(f.Limits) > 0 || f.Corrupt > 0 || f.TLS != ""
}

// anyPacket reports whether there are faults for datagrams.
func (f *Faults) anyPacket() bool {
	return f.Loss > 0 || f.Duplicate > 0 || f.Reorder > 0 || len(f.Delays) > 0 || f.Corrupt > 0
}

// A plan is the faults of one connection (or datagram), none if it is spared, and their
// random choices, which depend on the seed and its number alone, not on other connections.
type plan struct {
	*Faults
	dice *rand.Rand
}

func (f *Faults) plan(number int64) plan {
	p := plan{f, rand.New(rand.NewPCG(f.Seed, uint64(number)))}
	if p.chance(f.Spared) {
		p.Faults = new(Faults)
	}
	return p
}

// chance returns true with that probability. At 0 it draws no number.
func (p *plan) chance(probability float64) bool {
	return probability > 0 && p.dice.Float64() < probability
}

// delay returns the next pause. It draws a number only if there is a choice.
func (p *plan) delay() time.Duration {
	if len(p.Delays) == 0 {
		return 0
	}
	d := p.Delays[0]
	if len(p.Delays) > 1 {
		d = p.drawn(p.dice.Float64())
	}
	if d.Max <= d.Min {
		return d.Min
	}
	return d.Min + time.Duration(p.dice.Int64N(int64(d.Max-d.Min)+1))
}

// drawn is the delay that a number from 0 to 1 selects by weight.
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

// flip flips one bit of b and returns which.
func (p *plan) flip(b []byte) (offset, bit int) {
	i := p.dice.IntN(8 * len(b))
	b[i/8] ^= 1 << (i % 8)
	return i / 8, i % 8
}

// A Limit is when sending ends, and how. If Time is not 0, it ends that long after
// the connection began; otherwise after Bytes have been sent (with the service
// Discard: received).
type Limit struct {
	How   How
	Bytes int64
	Time  time.Duration
}

// limit is the least limit of bytes; nil if there is none.
func (f *Faults) limit() (first *Limit) {
	for i, l := range f.Limits {
		if l.Time == 0 && (first == nil || l.Bytes < first.Bytes) {
			first = &f.Limits[i]
		}
	}
	return first
}

func (h How) String() string { return [...]string{"closed", "reset", "stalled", "half-closed"}[h] }

// Random reports whether the faults depend on Seed.
func (f *Faults) Random() bool {
	return f.Corrupt > 0 || f.Loss > 0 || f.Duplicate > 0 || f.Reorder > 0 || len(f.Delays) > 1 || len(f.Delays) == 1 && f.Delays[0].Max > f.Delays[0].Min || f.Spared > 0
}
