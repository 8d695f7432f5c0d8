package main

import (
	"testing"

	"gcat/internal/testing/script"
)

func TestMain(m *testing.M) { script.Main(m) }

// TestScripts runs the specification of the command line, one topic a file.
func TestScripts(t *testing.T) {
	t.Parallel()
	script.Run(t, "*.txtar")
}
