package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/echo"
)

// readSteps reads the script or the dump that each connection follows; nil if there is
// none.
func (g *grammar) readSteps() ([]echo.Step, error) {
	name, parse := g.Script, parseScript
	if g.Replay != "" {
		name, parse = g.Replay, g.parseDump
	}
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, cli.Failf(cli.Local, "%q: %s", name, conn.Words(errors.Unwrap(err)))
	}
	steps, err := parse(filepath.Base(name), text)
	if err != nil {
		return nil, cli.Usagef("%v", err)
	}
	return steps, nil
}

// A word is the first word of a script's line: its step, and how to read the rest.
type word struct {
	do   echo.Op
	read func(s *echo.Step, rest string) error
}

var words = map[string]word{
	"send": {echo.Send, readText}, "send-file": {echo.SendFile, readPath},
	"expect": {echo.Expect, readText}, "until": {echo.Until, readText},
	"line": {echo.Line, readNothing}, "read": {echo.Read, readSize}, "eof": {echo.AwaitEOF, readNothing},
	"wait": {echo.Wait, readPause}, "half-close": {echo.HalfClose, readNothing},
	"close": {echo.End, readNothing}, "reset": {echo.Abort, readNothing}, "hold": {echo.Hold, readNothing},
}

// parseScript reads a script: one step a line, # begins a comment.
func parseScript(name string, text []byte) (steps []echo.Step, err error) {
	number, closed := 0, ""
	for line := range bytes.Lines(text) {
		number++
		first, rest := strings.TrimSpace(string(line)), ""
		if i := strings.IndexAny(first, " \t"); i > 0 {
			first, rest = first[:i], first[i+1:]
		}
		if first == "" || first[0] == '#' {
			continue
		}
		at := fmt.Sprintf("%s:%d", name, number)
		w, ok := words[first]
		if !ok {
			return nil, fmt.Errorf("%s: no such step %q: want send, send-file, expect, until, line, read, eof, wait, half-close, close, reset or hold", at, first)
		}
		step := echo.Step{Pos: at, Do: w.do}
		if err := w.read(&step, strings.TrimSpace(rest)); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", at, first, err)
		}
		sends := step.Do == echo.Send || step.Do == echo.SendFile || step.Do == echo.HalfClose
		switch {
		case closed == "half-close" && sends, closed != "" && closed != "half-close":
			return nil, fmt.Errorf("%s: %s cannot follow %s", at, first, closed)
		case step.Do >= echo.HalfClose:
			closed = first
		}
		steps = append(steps, step)
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("%s: there is no step in it", name)
	}
	return steps, nil
}

func readNothing(_ *echo.Step, rest string) error {
	if withoutComment(rest) != "" {
		return fmt.Errorf("nothing can stand behind it, and %q does", rest)
	}
	return nil
}

// readText reads a text in quotes, with the escapes of the command line and \".
func readText(s *echo.Step, rest string) error {
	end := 1
	for end < len(rest) && rest[end] != '"' {
		if rest[end] == '\\' {
			end++
		}
		end++
	}
	if rest == "" || rest[0] != '"' || end >= len(rest) {
		return fmt.Errorf("want a text in quotes, got %q", rest)
	}
	if err := readNothing(s, strings.TrimSpace(rest[end+1:])); err != nil {
		return err
	}
	// Each quote in the text is behind the backslash that escapes it.
	text, err := cli.Unescape(strings.ReplaceAll(rest[1:end], `\"`, `\x22`))
	if err == nil && text == "" {
		err = errors.New("the text is empty")
	}
	s.Text = []byte(text)
	return err
}

// readPath reads the path of a file, which must exist.
func readPath(s *echo.Step, rest string) error {
	if strings.HasPrefix(rest, `"`) {
		if err := readText(s, rest); err != nil {
			return err
		}
	} else {
		s.Text = []byte(rest)
	}
	name := string(s.Text)
	info, err := os.Stat(name)
	if err == nil && (info.IsDir() || info.Mode()&os.ModeNamedPipe != 0) {
		return fmt.Errorf("%q: a directory or a named pipe has no contents to send", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("%q: %s", name, conn.Words(errors.Unwrap(err)))
	}
	return f.Close()
}

// withoutComment cuts the comment off what follows a step.
func withoutComment(rest string) string {
	rest, _, _ = strings.Cut(rest, "#")
	return strings.TrimSpace(rest)
}

func readSize(s *echo.Step, rest string) (err error) {
	if s.N, err = cli.ParseSize(withoutComment(rest)); err == nil && s.N == 0 {
		err = errors.New("0 bytes are none")
	}
	return err
}

func readPause(s *echo.Step, rest string) (err error) {
	if s.Pause, err = cli.ParseDuration(withoutComment(rest)); err == nil && s.Pause < 0 {
		err = errors.New("a pause must not be negative")
	}
	return err
}

// A speed divides the pauses of a dump; 0 removes them.
type speed float64

func (s *speed) UnmarshalText(text []byte) error {
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(v >= 0 && v <= 1e9) {
		return fmt.Errorf("bad speed %q: want how many times as fast, or 0 for no pauses", text)
	}
	*s = speed(v)
	return nil
}
