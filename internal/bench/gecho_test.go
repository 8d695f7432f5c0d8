//go:build linux

package main

import "testing"

// TestGechoCells runs gecho through a cell of each kind but the crowd, without
// peers. How fast it is is of no interest.
func TestGechoCells(t *testing.T) {
	b := &Bench{Runs: 1, Dir: t.TempDir(), Context: t.Context()}
	if err := b.build("gecho"); err != nil {
		t.Fatal(err)
	}
	wanted := map[string]bool{"echo-64-10": true, "echo-65536-10": true, "churn-1": true, "udp": true}
	for _, c := range gechoCells(b) {
		if !wanted[c.Name] {
			continue
		}
		delete(wanted, c.Name)
		t.Run(c.Name, func(t *testing.T) {
			c.Contenders = c.Contenders[:1]
			r := c.compare(t.Context(), 1)
			if err := r.Rows[0].Err; err != nil {
				t.Fatal(err)
			}
			if len(r.Rows[0].Samples) != 1 || r.Rows[0].Samples[0].Value <= 0 {
				t.Errorf("samples %+v", r.Rows[0].Samples)
			}
		})
	}
	if len(wanted) > 0 {
		t.Errorf("no cells %v", wanted)
	}
}
