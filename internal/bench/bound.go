//go:build linux

package main

import "fmt"

// A Bound is what the project has set itself for a cell.
type Bound struct {
	// Of is what is bounded: the zero value is the cell's own value.
	Of Quantity
	// Against names the contender it is held against, or is best or defaults:
	// the best peer, the best of those at their defaults.
	Against string
	// Limit is, for Values, how many times better ours must be at least; for CPU,
	// how much of the other's time per byte it may take at most; for Memory, how
	// many MiB it may have.
	Limit float64
}

// A Quantity is one of the things that a sample holds.
type Quantity int

// Values, CPU and Memory are Value, CPU per byte and Peak of a [Sample].
const (
	Values Quantity = iota
	CPU
	Memory
)

// What a bound may be held against besides a contender's name.
const (
	best     = "the best peer"
	defaults = "the best peer at its defaults"
)

// A Verdict is whether a bound held.
type Verdict struct {
	Bound string  `json:"bound"`
	Found float64 `json:"found"`
	Holds bool    `json:"holds"`
}

// verdicts judges the bounds of a cell; one whose other side is missing is left
// out.
func (r Result) verdicts() []Verdict {
	var all []Verdict
	ours := r.Rows[0]
	if len(ours.Samples) == 0 {
		return nil
	}
	for _, b := range r.Cell.Bounds {
		if b.Of == Memory {
			found := ours.over(peak)
			if found == 0 {
				continue // over too soon to be seen
			}
			all = append(all, Verdict{fmt.Sprintf("at most %g MiB resident", b.Limit), found, found <= b.Limit})
			continue
		}
		other, ok := r.against(b.Against)
		if !ok {
			continue
		}
		name := b.Against
		if name != other.Contender.Name {
			name += ", " + other.Contender.Name
		}
		switch b.Of {
		case Values:
			found := r.Cell.ratio(ours, other)
			all = append(all, Verdict{fmt.Sprintf("at least %g times as good as %s", b.Limit, name), found, found >= b.Limit})
		case CPU:
			found := ours.over(cpu) / other.over(cpu)
			all = append(all, Verdict{fmt.Sprintf("at most %g of the CPU time per byte of %s", b.Limit, name), found, found <= b.Limit})
		}
	}
	return all
}

// against is the row that a bound is held against, if it has samples.
func (r Result) against(name string) (Row, bool) {
	switch name {
	case best:
		return r.best(false)
	case defaults:
		return r.best(true)
	}
	for _, row := range r.Rows[1:] {
		if row.Contender.Name == name && len(row.Samples) > 0 {
			return row, true
		}
	}
	return Row{}, false
}
