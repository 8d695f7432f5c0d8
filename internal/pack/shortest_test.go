package pack

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// checkShortest holds putShortest to what strconv makes of v, which reports
// whether it did anything.
func checkShortest(t testing.TB, v float64, width int) bool {
	var b [floatRoom]byte
	n := putShortest(b[:], v, width)
	if n == 0 {
		return false
	}
	if want := strconv.FormatFloat(v, 'f', -1, 8*width); string(b[:n]) != want {
		t.Fatalf("%d bytes %x: %s, want %s", width, math.Float64bits(v), b[:n], want)
	}
	return true
}

// around checks v and the floats next to it, of both widths and signs.
func around(t testing.TB, v float64) (mine int) {
	for _, x := range []float64{v, math.Nextafter(v, 0), math.Nextafter(v, math.MaxFloat64)} {
		for _, width := range []int{4, 8} {
			if width == 4 {
				x = float64(float32(x))
			}
			for _, x := range []float64{x, -x} {
				if checkShortest(t, x, width) {
					mine++
				}
			}
		}
	}
	f := float32(v)
	for _, x := range []float32{math.Nextafter32(f, 0), math.Nextafter32(f, math.MaxFloat32)} {
		checkShortest(t, float64(x), 4)
	}
	return mine
}

func TestShortest(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	rounds := 300_000
	if testing.Short() {
		rounds /= 10
	}
	mine := 0
	for range rounds {
		mine += around(t, math.Float64frombits(r.Uint64()))                                    // any
		mine += around(t, math.Float64frombits(uint64(1023-14+r.IntN(67))<<52|r.Uint64()>>12)) // those it is for
		mine += around(t, r.NormFloat64())
		mine += around(t, float64(r.IntN(1e9))/math.Pow10(r.IntN(12))) // what people write
		mine += around(t, float64(r.Uint64()>>r.IntN(64))/math.Pow10(r.IntN(20)))
		mine += around(t, float64(r.IntN(1<<20)|1)*math.Pow(2, -float64(r.IntN(30)))) // exact in few digits, or a tie
	}
	if mine < 20*rounds {
		t.Errorf("only %d of %d", mine, 72*rounds)
	}
	for e := -14; e < 54; e++ {
		around(t, math.Ldexp(1, e))
	}
	for e := range 22 {
		around(t, math.Pow10(e-5))
		around(t, 9.5*math.Pow10(e-5))
	}
	for _, v := range []float64{0, math.Inf(1), math.NaN(), 5e-324, math.MaxFloat64} {
		for _, width := range []int{4, 8} {
			if checkShortest(t, v, width) {
				t.Errorf("%v is none of its floats", v)
			}
		}
	}
}

// Every binary32 from 1e-4 to 1 of one in 61, and so in all parts.
func TestShortestSingles(t *testing.T) {
	for b := uint32(0x38000000); b < 0x5b000000; b += 61 {
		checkShortest(t, float64(math.Float32frombits(b)), 4)
	}
}
