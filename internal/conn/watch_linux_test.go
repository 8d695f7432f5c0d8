package conn

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A conversation whose standard output stays open for others leaves no watcher of its
// reader behind.
func TestRelayWatcherEnds(t *testing.T) {
	reader, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	defer out.Close()
	stdio := &Stdio{Out: out, KeepOpen: true}
	k := newTalk(t, &Relay{RecvOnly: true})
	k.relay.Local = stdio
	k.run(t.Context())
	watches := func(want bool) {
		t.Helper()
		stacks := make([]byte, 1<<20)
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
			n := runtime.Stack(stacks, true)
			if strings.Contains(string(stacks[:n]), "(*hangup).wait(") == want {
				return
			}
		}
		t.Errorf("a goroutine watches: want %v", want)
	}
	watches(true)
	k.end()
	<-k.done
	watches(false)
}
