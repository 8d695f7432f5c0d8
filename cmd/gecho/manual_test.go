package main

import (
	"testing"

	"gcat/internal/testing/script"
)

func TestManual(t *testing.T) { script.Manual(t, "gecho", "../../man/gecho.1") }

// TestHelp holds --help and -h to the grammar.
func TestHelp(t *testing.T) {
	t.Parallel()
	script.Help(t, "gecho", new(grammar))
}

// An option without its value never takes an operand for it.
func TestMissingValues(t *testing.T) {
	t.Parallel()
	script.MissingValues(t, "gecho", true, "127.0.0.1:0", "127.0.0.1:0")
}
