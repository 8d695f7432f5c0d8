package cli

import (
	"errors"
	"fmt"
	"testing"
)

type hinted struct{ error }

func (hinted) Hint() string { return "type this" }

// The hint of another package's error is kept when the error is wrapped.
func TestHintOfOthers(t *testing.T) {
	err := WithStatus(Usage, fmt.Errorf("bad: %w", hinted{errors.New("word")}))
	if got := hintOf(err); got != "type this" {
		t.Errorf("hint %q", got)
	}
	if got := hintOf(Hint(err, "no, this")); got != "no, this" {
		t.Errorf("hint %q", got)
	}
}
