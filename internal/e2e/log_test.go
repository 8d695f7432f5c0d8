package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// events are the lines of a JSON log, each of which must be an object with a
// time.
func events(t *testing.T, log string) (list []map[string]any) {
	t.Helper()
	if !strings.HasSuffix(log, "\n") {
		t.Errorf("the log ends in the middle of a line: %q", log)
	}
	for line := range strings.Lines(log) {
		var e map[string]any
		d := json.NewDecoder(bytes.NewReader([]byte(line)))
		if err := d.Decode(&e); err != nil || d.More() {
			t.Errorf("%q: %v", line, err)
			continue
		}
		if e["time"] == nil {
			t.Errorf("%q has no time", line)
		}
		list = append(list, e)
	}
	return list
}

// has checks one event's name and members: a nil value means that the member is
// there.
func has(t *testing.T, e map[string]any, name string, fields map[string]any) {
	t.Helper()
	if e["event"] != name {
		t.Errorf("%v is no %q", e, name)
	}
	for key, want := range fields {
		if got, ok := e[key]; !ok || want != nil && got != want {
			t.Errorf("%s has %s %v, want %v", name, key, got, want)
		}
	}
}

func TestLogClient(t *testing.T) {
	at := serve(t, "tcp", func(c halfConn) {
		_ = readAll(c)
		_, _ = io.WriteString(c, "\x00\xff\x1b[31m\"")
	})
	p := start(t, input(t, "hello"), append([]string{"--log", "json"}, at...)...)
	if p.status() != 0 {
		t.Errorf("status %d", p.status())
	}
	list := events(t, p.err.String())
	if len(list) != 2 {
		t.Fatal(p.err)
	}
	remote := net.JoinHostPort(at[0], at[1])
	has(t, list[0], "connected", map[string]any{"remote": remote, "local": nil})
	has(t, list[1], "closed", map[string]any{"remote": remote, "local": list[0]["local"],
		"sent": 5.0, "received": 8.0, "duration": nil, "first_byte": nil, "ended_by": "local"})
	if d := list[1]["duration"].(float64); d < list[1]["first_byte"].(float64) || d > limit.Seconds() {
		t.Errorf("%v", list[1])
	}
}

func TestLogListener(t *testing.T) {
	p, c := listening(t, "tcp", nil, "--log", "json")
	_, _ = io.WriteString(c, "hi")
	_ = c.CloseWrite()
	_ = readAll(c)
	if p.status() != 0 {
		t.Errorf("status %d", p.status())
	}
	list := events(t, p.err.String())
	if len(list) != 3 {
		t.Fatal(p.err)
	}
	has(t, list[0], "listening", map[string]any{"local": c.RemoteAddr().String()})
	has(t, list[1], "accepted", map[string]any{"local": c.RemoteAddr().String(), "remote": c.LocalAddr().String()})
	has(t, list[2], "closed", map[string]any{"received": 2.0, "sent": 0.0, "ended_by": nil, "remote": c.LocalAddr().String()})
}

// Each accepted peer is closed, also one whose server cannot be reached.
func TestLogUnreachable(t *testing.T) {
	t.Parallel()
	nowhere := "127.0.0.1:" + freePort(t)
	p, address := listener(t, "tcp", nil, "--log", "json", "--to", nowhere)
	if err := meets(address); !isReset(err) { // perhaps before connect(2) has returned
		t.Errorf("the client met %v", err)
	}
	if p.status() != 3 {
		t.Errorf("status %d", p.status())
	}
	list := events(t, p.err.String())
	if len(list) != 4 {
		t.Fatal(p.err)
	}
	has(t, list[1], "accepted", map[string]any{"remote": nil})
	has(t, list[2], "closed", map[string]any{"remote": list[1]["remote"], "to": nowhere, "sent": 0.0, "received": 0.0, "ended_by": "local"})
	has(t, list[3], "error", map[string]any{"error": "refused"})
}

// Failures come as objects only, and say which.
func TestLogErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	l.Close()
	odd := filepath.Join(t.TempDir(), "a\"b\n\xff\x1b")
	for _, test := range []struct {
		kind   string
		status int
		args   []string
	}{
		{"refused", 3, []string{closed}},
		{"no-such-name", 3, []string{"nosuch.invalid:80"}},
		{"not-found", 3, []string{"-U", odd}},
		{"usage", 2, []string{"-4", "-6", closed}},
		{"usage", 2, []string{"-z", closed, "9-1"}},
		{"refused", 3, []string{"-z", closed}},
	} {
		p := start(t, nil, append([]string{"--log", "json"}, test.args...)...)
		if got := p.status(); got != test.status {
			t.Errorf("%q: status %d", test.args, got)
		}
		list := events(t, p.err.String())
		if len(list) == 0 {
			t.Errorf("%q said nothing", test.args)
			continue
		}
		has(t, list[len(list)-1], "error", map[string]any{"error": test.kind, "text": nil})
	}
}

// A reset and a signal are told as what they are.
func TestLogEndedBy(t *testing.T) {
	at := serve(t, "tcp", func(c halfConn) {
		_, _ = io.ReadFull(c, make([]byte, 2))
		resetNow(c)
	})
	stdin, hold := pipe(t)
	p := start(t, stdin, append([]string{"--log", "json"}, at...)...)
	_, _ = io.WriteString(hold, "hi")
	if p.status() != 5 {
		t.Errorf("status %d", p.status())
	}
	list := events(t, p.err.String())
	has(t, list[1], "closed", map[string]any{"ended_by": "reset"})
	has(t, list[2], "error", map[string]any{"error": "reset"})

	stay := make(chan struct{})
	connected := make(chan struct{})
	at = serve(t, "tcp", func(c halfConn) {
		close(connected)
		<-stay
	})
	stdin, _ = pipe(t)
	p = start(t, stdin, append([]string{"--log", "json"}, at...)...)
	<-connected
	p.err.await(t, "connected")
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	if p.status() != 128+15 {
		t.Errorf("status %d", p.status())
	}
	close(stay)
	list = events(t, p.err.String())
	has(t, list[len(list)-1], "closed", map[string]any{"ended_by": "signal"})
}
