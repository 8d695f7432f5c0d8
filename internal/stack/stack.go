// Package stack grows the stack of the first goroutine once, before anything
// else of the process is initialised. Left alone it doubles four times on the
// way through package initialisation and the command line, and each time the
// runtime looks up in its tables every frame that it moves: with the pages of
// those tables that is a thirtieth of a short run.
//
// Go initialises packages in the order of their import paths as far as their
// imports allow. This one has none and stands in front of nearly all.
package stack

// depth is what a conversation needs, with room to spare: stacks are as large
// as powers of two, and this makes it 32 KiB.
const depth = 20 << 10

var none = -1

func init() { grow(none) }

// grow has a frame that is depth bytes large, and touches none of it if i is
// negative.
//
//go:noinline
func grow(i int) byte {
	if i < 0 {
		return 0
	}
	var frame [depth]byte
	frame[i] = 1
	return frame[i/2]
}
