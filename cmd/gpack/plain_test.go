package main

import (
	"strings"
	"testing"
)

// TestPlainLines holds ordinary command lines to being read without kong, which
// costs a short run a third of its time, and to meaning what they mean to kong.
func TestPlainLines(t *testing.T) {
	for _, line := range []string{
		">I", "-d >I file", "-n 2 -d >I", "-x >I 1 2 3", ">i -5", "-b hex <H 7", "-j -k a,b >2H", "-r16 -d >I", "-t , >2H", "-e cat -f >I",
		"-dx >I", "--help", "--version", "--max 1M -f >I", "-s 4K -d >I x",
	} {
		difference, quick := app.Disagreement(func() any { return new(gpack) }, strings.Fields(line))
		if difference != "" {
			t.Errorf("%q: %s", line, difference)
		}
		if !quick {
			t.Errorf("%q is left to kong", line)
		}
	}
}
