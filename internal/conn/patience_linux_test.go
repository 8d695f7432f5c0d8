package conn

import (
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// receiveLowWater is how many bytes must have come before s is readable (SO_RCVLOWAT); an
// accepted socket says 0 at first, and means 1.
func receiveLowWater(s *Socket) (n int) {
	_ = s.raw.Control(func(fd uintptr) { n, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT) })
	return n
}

// What goes to /dev/null may come in heaps, but for an idle clock; the end comes
// at once, and every byte is counted.
func TestDiscardingIsPatient(t *testing.T) {
	const bytes = 4<<20 + 10
	for _, idle := range []time.Duration{0, time.Hour} {
		null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer null.Close()
		peer, socket := socketPair(t, "tcp")
		stdio := &Stdio{In: null, Out: null}
		relay := &Relay{Local: stdio, Remote: socket, Peer: "peer", RecvOnly: true, Idle: idle}
		done := make(chan Result, 1)
		go func() { done <- relay.Run(t.Context()) }()
		if _, err := peer.Write(make([]byte, bytes)); err != nil {
			t.Fatal(err)
		}
		if idle == 0 {
			for limit := time.Now().Add(time.Minute); receiveLowWater(socket) <= 1 && time.Now().Before(limit); time.Sleep(time.Millisecond) {
			}
		} else {
			for received := int64(0); received < bytes; _, received = relay.Counts() {
				time.Sleep(time.Millisecond)
			}
		}
		if patient := receiveLowWater(socket) > 1; patient != (idle == 0) {
			t.Errorf("idle limit %v: patient %v", idle, patient)
		}
		if err := peer.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(peer); len(rest) > 0 || err != nil {
			t.Errorf("%q, %v", rest, err)
		}
		if r := <-done; r.Err != nil || r.Received != bytes {
			t.Errorf("received %d of %d: %v", r.Received, bytes, r.Err)
		}
	}
}
