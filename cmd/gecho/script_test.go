package main

import "testing"

// FuzzSteps: whatever a script or a dump holds, reading it ends with steps or an
// error.
func FuzzSteps(f *testing.F) {
	f.Add([]byte("send \"a\\\"b\\x00\" # c\nuntil \"x\"\nwait 1s\nread 4K\nhold"))
	f.Add([]byte("# 2026-11-28T16:57:18.079101 > 2 bytes to 127.0.0.1:1\n> 00000000  68 65    |he|\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if steps, err := parseScript("script", text); (len(steps) == 0) != (err != nil) {
			t.Errorf("a script: %d steps, %v", len(steps), err)
		}
		if steps, err := new(grammar).parseDump("dump", text); (len(steps) == 0) != (err != nil) {
			t.Errorf("a dump: %d steps, %v", len(steps), err)
		}
	})
}
