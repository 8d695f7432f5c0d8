package echo

import (
	"testing"
	"testing/synctest"
	"time"
)

// A rate is kept with pieces of any size, although every sleep is longer than it
// was to be, and after a pause nothing is made up for.
func TestPacer(t *testing.T) {
	for _, piece := range []int{1, 100, 5000} {
		synctest.Test(t, func(t *testing.T) {
			const rate, total = 20_000, 40_000
			p := pacer{rate: rate}
			for range 2 {
				began := time.Now()
				for sent := 0; sent < total; sent += piece {
					if d := p.wait(piece); d > 0 {
						time.Sleep(d + time.Millisecond)
					}
				}
				due := time.Second * (total - time.Duration(piece)) / rate
				if took := time.Since(began); took < due-2*mostArrears || took > due+2*mostArrears {
					t.Errorf("pieces of %d: %v, want %v", piece, took, due)
				}
				time.Sleep(10 * time.Second)
			}
		})
	}
}
