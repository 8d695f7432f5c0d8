package script

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// tellSocket names, in the environment of a command that [Telling] built, the
// Unix socket on which it tells of its goroutines.
const tellSocket = "GCAT_TEST_GOROUTINES"

// teller is what Telling adds to a command.
const teller = `package main

import (
	"net"
	"os"
	"runtime/pprof"
)

func init() {
	l, err := net.Listen("unix", os.Getenv("` + tellSocket + `"))
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				panic(err)
			}
			_ = pprof.Lookup("goroutine").WriteTo(c, 1)
			_ = c.Close()
		}
	}()
}
`

// Telling builds a command that can be asked for its goroutines. Its own sources
// are as they are: the build is told of one file more (go build -overlay), so
// that no installed binary has such a door.
func Telling(t testing.TB, name string) (path string) {
	t.Helper()
	dir := t.TempDir()
	extra, overlay := filepath.Join(dir, "teller.go"), filepath.Join(dir, "overlay.json")
	place, err := filepath.Abs(filepath.Join("..", "..", "cmd", name, "teller.go"))
	if err != nil {
		t.Fatal(err)
	}
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{place: extra}})
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{extra: teller, overlay: string(replace)} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path = filepath.Join(dir, filepath.Base(Path(name)))
	if err := build(name, path, "-overlay", overlay); err != nil {
		t.Fatalf("build %s: %v", name, err)
	}
	return path
}

// Tell makes cmd, of a command that [Telling] built, answer [Goroutines].
func Tell(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	cmd.Env = append(cmd.Environ(), tellSocket+"="+filepath.Join(t.TempDir(), "goroutines"))
}

// Goroutines asks such a command how many goroutines it has, and what they do:
// those that do the same are told of together.
func Goroutines(t testing.TB, cmd *exec.Cmd) (n int, what string) {
	t.Helper()
	var path string
	for _, variable := range cmd.Env {
		if _, err := fmt.Sscanf(variable, tellSocket+"=%s", &path); err == nil {
			break
		}
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(Deadline))
	text, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(string(text), "goroutine profile: total %d", &n); err != nil {
		t.Fatalf("%v: %.100q", err, text)
	}
	return n, string(text)
}
