package main

import (
	"testing"

	"gcat/internal/testing/script"
)

func TestManual(t *testing.T) { script.Manual(t, "gcat", "../../man/gcat.1") }

func TestHelpText(t *testing.T) {
	text, err := app.Layout(new(grammar))
	script.HelpText(t, text, err)
}

// An option without its value never takes an operand for it.
func TestMissingValues(t *testing.T) {
	t.Parallel()
	script.MissingValues(t, "gcat", true, "127.0.0.1", "0")
}
