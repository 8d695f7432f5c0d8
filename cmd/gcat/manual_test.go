package main

import (
	"testing"

	"gcat/internal/script"
)

func TestManual(t *testing.T) { script.Manual(t, "gcat", "../../man/gcat.1") }

func TestHelpText(t *testing.T) {
	text, err := app.Layout(new(gcat))
	script.HelpText(t, text, err)
}
