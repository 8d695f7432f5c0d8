//go:build linux

package main

import "testing"

// TestPackCells runs gpack through each of its cells with a few bytes and without
// peers. How long it takes is of no interest.
func TestPackCells(t *testing.T) {
	b := &Bench{Runs: 1, Bytes: 496_000, Dir: t.TempDir(), Context: t.Context()}
	if err := b.build("gpack"); err != nil {
		t.Fatal(err)
	}
	for _, c := range gpackCells(b) {
		t.Run(c.Name, func(t *testing.T) {
			c.Contenders, c.Repeat = c.Contenders[:1], 1
			r := c.compare(t.Context(), b.Runs)
			if err := r.Rows[0].Err; err != nil {
				t.Fatal(err)
			}
			if len(r.Rows[0].Samples) != 1 || r.Rows[0].Samples[0].Value <= 0 {
				t.Errorf("samples %+v", r.Rows[0].Samples)
			}
		})
	}
}
