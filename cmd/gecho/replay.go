package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"gcat/internal/echo"
)

// parseDump turns a dump of gcat -o into steps: bytes sent there (>) are expected,
// bytes received (<) are sent after the pause between their time lines.
func (g *grammar) parseDump(name string, text []byte) (steps []echo.Step, err error) {
	d := dump{pace: 1, next: map[echo.Op]int64{}}
	if g.Speed != nil {
		d.pace = float64(*g.Speed)
	}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		d.pos = fmt.Sprintf("%s:%d", name, number)
		if err := d.line(strings.TrimSuffix(string(line), "\n")); err != nil {
			return nil, fmt.Errorf("%s: %w", d.pos, err)
		}
	}
	if len(d.steps) == 0 {
		return nil, fmt.Errorf("%s: it is no dump of gcat -o: there is no byte in it", name)
	}
	return d.steps, nil
}

// A dump is the state of reading a dump.
type dump struct {
	pos   string  // of the line
	pace  float64 // how many times as fast; 0: no pauses
	steps []echo.Step
	last  time.Time // of the last time line
	pause time.Duration
	peer  string
	next  map[echo.Op]int64 // the next offset in each direction
}

func (d *dump) line(line string) error {
	switch {
	case strings.HasPrefix(line, "# "):
		return d.time(line)
	case strings.HasPrefix(line, "> "):
		return d.bytes(echo.Expect, line)
	case strings.HasPrefix(line, "< "):
		return d.bytes(echo.Send, line)
	}
	return fmt.Errorf("%.60q is no line of a dump of gcat -o", line)
}

// time reads `# TIME > N bytes to PEER`.
func (d *dump) time(line string) error {
	words := strings.Fields(line)
	if len(words) < 7 {
		return fmt.Errorf("%.60q is no time line of a dump", line)
	}
	at, err := time.Parse("2006-01-02T15:04:05.000000", words[1])
	if err != nil {
		return fmt.Errorf("bad time %.60q", words[1])
	}
	peer := strings.Join(words[6:], " ")
	if d.peer != "" && peer != d.peer {
		return fmt.Errorf("it holds several conversations: with %s and with %s", d.peer, peer)
	}
	d.peer = peer
	if !d.last.IsZero() && d.pace > 0 {
		pause := float64(max(at.Sub(d.last), 0)) / d.pace
		d.pause = time.Duration(min(pause, math.MaxInt64/2)) // a longer one overflows
	}
	d.last = at
	return nil
}

// bytes reads `> OFFSET  HEX ... |TEXT|`.
func (d *dump) bytes(do echo.Op, line string) error {
	offset, rest, _ := strings.Cut(line[2:], "  ")
	rest, _, found := strings.Cut(rest, " |")
	data, err := hex.DecodeString(strings.ReplaceAll(rest, " ", ""))
	var at int64
	if _, scanErr := fmt.Sscanf(offset, "%x", &at); err != nil || scanErr != nil || !found || len(data) == 0 {
		return errors.New("it is no line of bytes")
	}
	if at != d.next[do] {
		return fmt.Errorf("the bytes from %08x on are missing", d.next[do])
	}
	d.next[do] += int64(len(data))
	if do == echo.Send && d.pause > 0 {
		d.steps = append(d.steps, echo.Step{Pos: d.pos, Do: echo.Wait, Pause: d.pause})
	}
	d.pause = 0
	if n := len(d.steps); n > 0 && d.steps[n-1].Do == do {
		d.steps[n-1].Text = append(d.steps[n-1].Text, data...)
		return nil
	}
	d.steps = append(d.steps, echo.Step{Pos: d.pos, Do: do, Text: data})
	return nil
}
