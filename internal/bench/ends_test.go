//go:build linux

package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"gcat/internal/testing/script"
)

// TestEnds holds the README's table to what the tools do here. Gcat's column
// must be exact. What some peers do depends on the machine's speed: a failure
// that the README claims must be seen once in some runs: ncat with no standard
// input hangs in a third of them.
func TestEnds(t *testing.T) {
	const runs = 30
	for _, tool := range endsTools[1:] {
		script.Peer(t, tool.program)
	}
	b := &Bench{Dir: t.TempDir(), Context: t.Context()}
	if err := b.build("gcat"); err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	claims := make(map[string][]string)
	for line := range strings.Lines(string(readme)) {
		if fields := strings.Split(strings.Trim(line, "| \n"), " | "); len(fields) == len(endsTools)+1 {
			claims[fields[0]] = fields[1:]
		}
	}
	right := func(cell string) bool { return strings.HasPrefix(cell, "**") }
	for _, s := range situations {
		for j, tool := range b.installed() {
			t.Run(s.name+"/"+tool.name, func(t *testing.T) {
				t.Parallel()
				if len(claims[s.name]) == 0 {
					t.Fatal("it is not in the README")
				}
				claim, seen := claims[s.name][j], []string(nil)
				for range runs {
					seen = append(seen, s.meet(t.Context(), tool))
					if j == 0 || right(claim) || !right(seen[len(seen)-1]) {
						break
					}
				}
				if j == 0 && seen[0] != claim || !right(claim) && !slices.ContainsFunc(seen, func(cell string) bool { return !right(cell) }) {
					t.Errorf("the README says %q, it did %q", claim, seen)
				}
			})
		}
	}
}
