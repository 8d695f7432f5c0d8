//go:build unix

package echo

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"gcat/internal/conn"
)

// talk sends a byte and waits for an answer.
func talk(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := c.Write([]byte{'\n'}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
}

// still waits until no byte has moved for a while, and all connections are served.
func still(t *testing.T, s *Server, connections int64) {
	t.Helper()
	last, since := int64(-1), time.Now()
	for time.Since(since) < 300*time.Millisecond {
		now := s.Totals.Received.Load() + s.Totals.Sent.Load()
		if now != last || s.Totals.Now.Load() != connections {
			last, since = now, time.Now()
		}
		time.Sleep(time.Millisecond)
	}
}

// A connection that waits has no buffer. One whose peer does not read has the buffers
// that SECURITY of gcat(7) names.
func TestBoundConnection(t *testing.T) {
	const connections, message = 40, 100 << 10
	reply := Template("{data}")
	for name, test := range map[string]struct {
		server *Server
		kind   string
		bound  int64
	}{
		"fast path":   {&Server{}, "unix", 64 << 10},
		"lines":       {&Server{Lines: true, MaxLine: 1 << 30}, "unix", 64 << 10},
		"suffix":      {&Server{Suffix: "!"}, "unix", 128 << 10},
		"reply":       {&Server{Reply: &reply}, "unix", 128 << 10},
		"messages":    {&Server{}, "unixpacket", 256 << 10},
		"corrupt":     {&Server{Faults: Faults{Corrupt: 1}}, "unix", 128 << 10},
		"a generator": {&Server{Service: Chargen}, "unix", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := test.server
			l, err := net.Listen(test.kind, filepath.Join(t.TempDir(), "s"))
			if err != nil {
				t.Skip(err) // no unixpacket here
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan int)
			go func() {
				done <- s.Serve(ctx, 0, []Socket{{Handed: conn.Handed{Listener: l, Messages: test.kind == "unixpacket"}}})
			}()
			defer func() { cancel(); <-done }()
			data := make([]byte, message)
			for i := range data {
				data[i] = '\n'
			}
			peers := make([]net.Conn, connections)
			before := heap()
			for i := range peers {
				if peers[i], err = net.Dial(test.kind, l.Addr().String()); err != nil {
					t.Fatal(err)
				}
				defer peers[i].Close()
				if s.Service == Echo {
					talk(t, peers[i])
				}
			}
			still(t, s, connections)
			if got := (heap() - before) / connections; s.Service == Echo && got > 16<<10 {
				t.Errorf("a connection that waits takes %d bytes", got)
			}
			for _, c := range peers {
				if s.Service != Echo {
					break
				}
				go func() { // ends with the connection
					for err := error(nil); err == nil; _, err = c.Write(data) {
					}
				}()
			}
			still(t, s, connections)
			got := (heap() - before) / connections
			if got > test.bound+16<<10 || got < test.bound*3/4-16<<10 {
				t.Errorf("a connection whose peer does not read takes %d bytes, want %d", got, test.bound)
			}
		})
	}
}
