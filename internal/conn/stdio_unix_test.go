//go:build unix

package conn

import (
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestStoppedInput: once a conversation reads no more of its input, what comes then stays
// in the pipe, for the next reader.
func TestStoppedInput(t *testing.T) {
	for i := range 20 { // a read that is left behind does not always win
		begin := strings.Repeat("first", i%2)
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			var ends [2]int // in blocking mode, as a shell's pipes are
			if err := unix.Pipe(ends[:]); err != nil {
				t.Fatal(err)
			}
			in, feed := os.NewFile(uintptr(ends[0]), "in"), os.NewFile(uintptr(ends[1]), "feed")
			defer in.Close()
			remote, peer := socketPair(t, "tcp")
			heard := make(chan string, 1)
			go func() {
				got := make([]byte, len(begin))
				_, _ = io.ReadFull(peer, got)
				_ = peer.CloseWrite()
				rest, _ := io.ReadAll(peer)
				heard <- string(got) + string(rest)
			}()
			if _, err := feed.WriteString(begin); err != nil {
				t.Fatal(err)
			}
			null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer null.Close()
			relay := &Relay{Local: &Stdio{In: in, Out: null, KeepOpen: true}, Remote: remote, Peer: "peer", QuitAfterPeer: new(time.Duration)}
			r := relay.Run(t.Context())
			if got := <-heard; got != begin || r.Err != nil {
				t.Fatalf("the peer heard %q, want %q; %v", got, begin, r.Err)
			}
			left := make(chan string, 1)
			go func() {
				got, _ := io.ReadAll(in)
				left <- string(got)
			}()
			if _, err := feed.WriteString("later"); err != nil {
				t.Fatal(err)
			}
			_ = feed.Close()
			if got := <-left; got != "later" {
				t.Errorf("the pipe has %q", got)
			}
		})
	}
}
