package e2e

import (
	"path/filepath"
	"testing"

	"gcat/internal/testing/script"
)

// TestReadme types the transcripts of the README into one shell, in order and
// then once more: each stands alone, and leaves nothing for the next.
func TestReadme(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	all := script.Transcript{Name: "README.md"}
	for range 2 {
		for _, transcript := range script.Transcripts(t, filepath.Join(root, "README.md")) {
			all.Commands = append(all.Commands, transcript.Commands...)
			all.Output = append(all.Output, transcript.Output...)
		}
	}
	all.Run(t, root)
}
