package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gcat/internal/testing/script"
)

// TestIntroduction runs every command of gcat(7), which promises that they work
// as they are printed.
func TestIntroduction(t *testing.T) {
	t.Parallel()
	script.Peer(t, "python3")
	page := filepath.Join("..", "..", "man", "gcat.7")
	source, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	transcripts := displays(string(source))
	if len(transcripts) < 40 {
		t.Fatalf("only %d displays in %s", len(transcripts), page)
	}
	for _, transcript := range transcripts {
		t.Run(transcript.Name, func(t *testing.T) {
			t.Parallel()
			transcript.Run(t, ".")
		})
	}
}

// displays reads the literal displays of an mdoc page as transcripts: commands
// behind "$ ", which may go on behind "> ", and what they print. The first
// display of the section FROM PYTHON holds for the whole section.
func displays(source string) []script.Transcript {
	var all []script.Transcript
	var common *script.Transcript
	section, title := "", ""
	unescape := strings.NewReplacer(`\e`, `\`, `\&`, "", `\(dq`, `"`)
	for rest := source; rest != ""; {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		switch {
		case strings.HasPrefix(line, ".Sh "):
			section, title, common = line[4:], line[4:], nil
		case strings.HasPrefix(line, ".Ss "), strings.HasPrefix(line, ".It Li "):
			title = strings.TrimPrefix(strings.TrimPrefix(line, ".Ss "), ".It Li ")
		case strings.HasPrefix(line, ".Bd -literal"):
			var text string
			text, rest, _ = strings.Cut(rest, "\n.Ed\n")
			transcript := script.Transcript{Name: fmt.Sprintf("%d %s", len(all)+1, unescape.Replace(title))}
			if common != nil {
				transcript.Commands = append(transcript.Commands, common.Commands...)
				transcript.Output = append(transcript.Output, common.Output...)
			}
			take(&transcript, unescape.Replace(text))
			if section == "FROM PYTHON" && common == nil {
				common = &transcript
			}
			all = append(all, transcript)
		}
	}
	return all
}

// take adds the commands of a display, and what they print, to a transcript.
func take(transcript *script.Transcript, text string) {
	for line := range strings.Lines(text + "\n") {
		last := len(transcript.Commands) - 1
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			transcript.Commands = append(transcript.Commands, command)
			transcript.Output = append(transcript.Output, "")
		} else if more, ok := strings.CutPrefix(line, "> "); ok && transcript.Output[last] == "" {
			transcript.Commands[last] += more
		} else {
			transcript.Output[last] += line
		}
	}
}
