//go:build linux

package main

import (
	"context"
	"slices"
	"time"
)

// A Cell is one question put to several programs.
type Cell struct {
	// Name is what -only picks it by; What says in a line what is done.
	Name, What string
	// Unit is that of the samples' values: GB/s, ms, …
	Unit string
	// LessIsBetter is set for times.
	LessIsBetter bool
	// Repeat multiplies the rounds, for what is over in a moment; 0 is 1.
	Repeat int
	// Contenders are the programs, ours first.
	Contenders []Contender
	// Bounds are what the project has set itself.
	Bounds []Bound
}

// A Contender is a program in a cell.
type Contender struct {
	Name string
	// Tuned is set for one that has been given more than its defaults, and Limit
	// for one that is no peer but shows what the machine can do.
	Tuned, Limit bool
	// Run does the job once.
	Run func(context.Context) (Sample, error)
}

// A Sample is one run of a contender.
type Sample struct {
	// Value is what the cell compares.
	Value float64
	// Bytes is how much was moved, to which CPU is put in proportion; 0 if that
	// makes no sense.
	Bytes int64
	// CPU is the time on processors, of the program and of the kernel for it.
	CPU time.Duration
	// Peak is the most memory that was resident, in bytes (VmHWM); 0 is unknown.
	Peak int64
}

// A Result is what came of a cell: a row for each contender, ours first.
type Result struct {
	Cell Cell
	Rows []Row
}

// A Row is what came of a contender.
type Row struct {
	Contender Contender
	// Samples are its runs, in the order of the rounds.
	Samples []Sample
	// Err is why it has no samples, or no more of them.
	Err error
}

// compare runs the contenders in rounds, each round beginning with another one.
// One that fails takes no further part.
func (c Cell) compare(ctx context.Context, runs int) Result {
	r := Result{Cell: c, Rows: make([]Row, len(c.Contenders))}
	for i, contender := range c.Contenders {
		r.Rows[i].Contender = contender
	}
	for round := range runs * max(1, c.Repeat) {
		for i := range r.Rows {
			row := &r.Rows[(round+i)%len(r.Rows)]
			if row.Err != nil || ctx.Err() != nil {
				continue
			}
			sample, err := row.Contender.Run(ctx)
			if err != nil {
				row.Err = err
				continue
			}
			row.Samples = append(row.Samples, sample)
		}
	}
	return r
}

// over is the median of f over the samples, 0 if there are none.
func (r Row) over(f func(Sample) float64) float64 {
	values := make([]float64, 0, len(r.Samples))
	for _, s := range r.Samples {
		values = append(values, f(s))
	}
	return median(values)
}

// What a sample is asked for, in the units that are printed.
func value(s Sample) float64 { return s.Value }
func peak(s Sample) float64  { return float64(s.Peak) / (1 << 20) }
func cpu(s Sample) float64 { // seconds per GB
	if s.Bytes == 0 {
		return 0
	}
	return s.CPU.Seconds() / (float64(s.Bytes) / 1e9)
}

// ratio is how many times better ours is than the other: the median of the
// rounds' own ratios, 0 if no round has both.
func (c Cell) ratio(ours, other Row) float64 {
	var ratios []float64
	for i := range min(len(ours.Samples), len(other.Samples)) {
		a, b := ours.Samples[i].Value, other.Samples[i].Value
		if c.LessIsBetter {
			a, b = b, a
		}
		if b > 0 {
			ratios = append(ratios, a/b)
		}
	}
	return median(ratios)
}

// best is the peer that is the hardest to beat, and whether there is one. With
// defaults set, those that have been tuned do not count.
func (r Result) best(defaults bool) (Row, bool) {
	var best Row
	found := false
	for _, row := range r.Rows[1:] {
		if row.Contender.Limit || defaults && row.Contender.Tuned || len(row.Samples) == 0 {
			continue
		}
		if !found || (row.over(value) < best.over(value)) == r.Cell.LessIsBetter {
			best, found = row, true
		}
	}
	return best, found
}

// median is the middle of values, or the mean of the two in the middle; 0 if
// there are none.
func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
