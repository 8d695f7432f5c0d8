package main

import (
	"testing"

	"gcat/internal/script"
)

func TestManual(t *testing.T) { script.Manual(t, "gcat", "../../man/gcat.1") }
