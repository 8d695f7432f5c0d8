package filter

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"gcat/internal/conn"
	"gcat/internal/testing/script"
)

func TestLines(t *testing.T) {
	long := strings.Repeat("x", maxMessage+10)
	for _, test := range []struct {
		name string
		in   []string
		want []string
	}{
		{"one read", []string{"a\nbb\n\nc"}, []string{"a\n", "bb\n", "\n", "c"}},
		{"cut anywhere", []string{"a", "\nb", "b\n", "c\n"}, []string{"a\n", "bb\n", "c\n"}},
		{"nothing", nil, nil},
		{"long", []string{long + "\n"}, []string{long[:maxMessage+1], long[maxMessage+1:] + "\n"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := script.ReadEach(t, &Lines{Stream: newPieces(test.in...)}, 1<<17)
			if err != io.EOF || !slices.Equal(got, test.want) {
				t.Errorf("%q, %v; want %q", got, err, test.want)
			}
		})
	}
}

// A line that has to stay whole and cannot is an error, never cut.
func TestLinesTooLong(t *testing.T) {
	got, err := script.ReadEach(t, &Lines{Stream: newPieces("a\n", strings.Repeat("x", maxMessage+10)), Messages: true}, 1<<17)
	if e, ok := errors.AsType[*conn.Error](err); !ok || e.Why != conn.Local || !slices.Equal(got, []string{"a\n"}) {
		t.Errorf("%.20q, %v", got, err)
	}
}

func TestBlocks(t *testing.T) {
	got, err := script.ReadEach(t, &Blocks{Stream: newPieces("a", "bcdef", "ghij"), Size: 3}, 100)
	if want := []string{"abc", "def", "ghi", "j"}; err != nil && !errors.Is(err, io.EOF) || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

func TestCapped(t *testing.T) {
	got, _ := script.ReadEach(t, &Capped{newPieces("abcdef"), 4}, 100)
	if want := []string{"abcd", "ef"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// With Batch a read returns all lines or blocks that one read of the stream has
// brought, and keeps the beginning of the next.
func TestBatch(t *testing.T) {
	pieces := func() conn.Stream { return newPieces("a\nbb\nc", "cc", "\n\n", "dddd") }
	lines := &Lines{Stream: pieces(), Messages: true}
	lines.Batch = true
	got, err := script.ReadEach(t, lines, 100)
	if want := []string{"a\nbb\n", "ccc\n\n", "dddd"}; err != io.EOF || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	got, err = script.ReadEach(t, &Blocks{Stream: pieces(), Size: 4, Batch: true}, 100)
	if want := []string{"a\nbb", "\nccc", "\n\ndd", "dd"}; err != io.EOF || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

func TestCRLF(t *testing.T) {
	for in, want := range map[string]string{
		"":                 "",
		"a\nb\n":           "a\r\nb\r\n",
		"a\r\nb\n":         "a\r\nb\r\n",
		"\n\n":             "\r\n\r\n",
		"a\r|\nb":          "a\r\nb", // the pair is cut between two reads
		"a|\n|\r\n|\r|\n|": "a\r\n\r\n\r\n",
		"\r\r\n\r":         "\r\r\n\r",
	} {
		for _, size := range []int{1, 2, 3, 100} {
			got, err := script.ReadEach(t, &CRLF{Stream: newPieces(slices.DeleteFunc(strings.Split(in, "|"), func(s string) bool { return s == "" })...)}, size)
			if text := strings.Join(got, ""); err != io.EOF || text != want {
				t.Errorf("%q by %d: %q, %v; want %q", in, size, text, err, want)
			}
		}
	}
}

// A datagram stays one, and is an error if it becomes too long.
func TestCRLFMessages(t *testing.T) {
	lines := strings.Repeat("\n", 30000)
	got, err := script.ReadEach(t, &CRLF{Stream: newPieces(lines, "a\nb"), Messages: true}, 1<<16)
	if err != io.EOF || len(got) != 2 || len(got[0]) != 60000 || got[1] != "a\r\nb" {
		t.Errorf("%d reads, %v", len(got), err)
	}
	_, err = script.ReadEach(t, &CRLF{Stream: newPieces(strings.Repeat("\n", 40000)), Messages: true}, 1<<16)
	if !local(err) {
		t.Error(err)
	}
}

// local reports whether err is of our own side.
func local(err error) bool {
	e, ok := errors.AsType[*conn.Error](err)
	return ok && e.Why == conn.Local
}
