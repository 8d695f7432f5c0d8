package e2e

import (
	"path/filepath"
	"testing"

	"gcat/internal/testing/script"
)

// TestReadme runs every transcript of the README as a reader would type it.
func TestReadme(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, transcript := range script.Transcripts(t, filepath.Join(root, "README.md")) {
		t.Run(transcript.Name, func(t *testing.T) {
			t.Parallel()
			transcript.Run(t, root)
		})
	}
}
