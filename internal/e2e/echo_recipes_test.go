package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gcat/internal/testing/script"
)

// TestGechoRecipes runs the recipes of gecho(1) as they are printed.
func TestGechoRecipes(t *testing.T) {
	t.Parallel()
	script.Peer(t, "curl")
	source, err := os.ReadFile(filepath.Join("..", "..", "man", "gecho.1"))
	if err != nil {
		t.Fatal(err)
	}
	_, recipes, _ := strings.Cut(string(source), "\n.Sh RECIPES\n")
	recipes, _, _ = strings.Cut(recipes, "\n.Sh ")
	transcripts := displays(recipes + "\n")
	if len(transcripts) < 6 {
		t.Fatalf("only %d recipes", len(transcripts))
	}
	for _, transcript := range transcripts {
		t.Run(transcript.Name, func(t *testing.T) {
			t.Parallel()
			transcript.Run(t, ".")
		})
	}
}
