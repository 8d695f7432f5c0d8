package cli

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"5": 5 * time.Second, "1.5": 1500 * time.Millisecond, "500ms": 500 * time.Millisecond, "2m": 2 * time.Minute,
		"0": 0, "0.000": 0, "0ms": 0, "-1": -time.Second,
		// However short: only zero is no limit.
		"0.0000000001": 1, "0.1ns": 1, "-0.0000000001": -1,
		// However long: a sum of them is no overflow.
		"9223372036": longest, "2562047h": longest, "-9223372036": -longest,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
}
