package main

import (
	"strings"
	"testing"
)

// TestPlainLines holds ordinary command lines to being read without kong, which
// costs a short run a third of its time, and to meaning what they mean to kong.
func TestPlainLines(t *testing.T) {
	for _, line := range []string{
		"localhost 80", "-N localhost 80", "-l 9000", "-lk 127.0.0.1 9000", "-lkp 9000", "-U /run/x", "-lU @name",
		"-uU x", "-w 5 -q 1 localhost 80", "-w1.5 -Q500ms localhost 80", "-zv localhost 1-9", "--help", "--version", "-vvn4 localhost 80",
		"--deadline 2m --shutdown both localhost:80", "-c example.org 443", "-C localhost 6379", "--log json -s 127.0.0.1 -p 5 localhost 80",
		"-e cat -l 9000", "--max-conns 5 -lk 9000", "--allow 10.0.0.0/8 -l 9000", "-x proxy:1080 -P user localhost 80", "-z --parallel 3 localhost 80",
	} {
		difference, quick := app.Disagreement(func() any { return new(grammar) }, strings.Fields(line))
		if difference != "" {
			t.Errorf("%q: %s", line, difference)
		}
		if !quick {
			t.Errorf("%q is left to kong", line)
		}
	}
}
