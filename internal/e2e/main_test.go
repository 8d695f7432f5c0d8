package e2e

import (
	"testing"

	"gcat/internal/testing/script"
)

func TestMain(m *testing.M) { script.Main(m) }
