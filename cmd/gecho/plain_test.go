package main

import (
	"strings"
	"testing"
)

// TestPlainLines holds ordinary command lines to being read without kong, which
// costs a short run a third of its time, and to meaning what they mean to kong.
func TestPlainLines(t *testing.T) {
	for _, line := range []string{
		"", "9000", "-v 9000", "-w 5 --deadline 1m 9000", "--service discard 9000", "-1 --inetd", "--reset-after 64K 9000",
		"--corrupt 0.5 9000", "--delay 1s-2s 9000", "--help", "--fail reset --fail-first 3 9000", "-n 5 --greeting hello 9000", "--version",
	} {
		difference, quick := app.Disagreement(func() any { return new(gecho) }, strings.Fields(line))
		if difference != "" {
			t.Errorf("%q: %s", line, difference)
		}
		if !quick {
			t.Errorf("%q is left to kong", line)
		}
	}
}
