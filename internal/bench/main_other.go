//go:build !linux

// Bench measures on Linux only: splice, /proc and network namespaces are what it
// is made of.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench: it measures on Linux only")
	os.Exit(1)
}
