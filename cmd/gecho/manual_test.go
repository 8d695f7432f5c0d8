package main

import (
	"testing"

	"gcat/internal/script"
)

func TestManual(t *testing.T) { script.Manual(t, "gecho", "../../man/gecho.1") }

func TestHelpText(t *testing.T) {
	text, err := app.Layout(new(gecho))
	script.HelpText(t, text, err)
}
