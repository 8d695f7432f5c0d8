//go:build linux

package main

import "testing"

// TestCells runs gcat through a cell of every kind, with a few bytes and without
// peers: the helpers must see every byte. How long it takes is of no interest.
func TestCells(t *testing.T) {
	b := &Bench{Runs: 1, Bytes: 300_001, Dir: t.TempDir(), Context: t.Context()}
	if err := b.build("gcat"); err != nil {
		t.Fatal(err)
	}
	for _, c := range gcatCells(b) {
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
