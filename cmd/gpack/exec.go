package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"

	"gcat/internal/pack"
)

// execute runs the command of -e with one payload on its standard input. A
// command that does not read all of it has not failed.
func (g *gpack) execute(frame int64, payload []byte) error {
	cmd := exec.Command("sh", "-c", g.Exec)
	cmd.Stdin = bytes.NewReader(payload)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return &pack.DataError{Why: fmt.Sprintf("frame %d: %s: %s", frame, strconv.Quote(g.Exec), words(err))}
	}
	return nil
}
