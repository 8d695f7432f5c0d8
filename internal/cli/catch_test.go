//go:build unix

package cli

import (
	"os"
	"os/signal"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
)

// Caught signals reach the handler while other threads run; one that was
// ignored stays ignored. Catch is for the whole process, so there is one test.
func TestCatch(t *testing.T) {
	signal.Ignore(syscall.SIGHUP)
	caught := make(chan os.Signal, 64)
	Catch(func(s os.Signal) { caught <- s }, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGTERM)

	var stop atomic.Bool
	defer stop.Store(true)
	for range runtime.GOMAXPROCS(0) {
		go func() { // ends with the test
			for n := 1; !stop.Load(); n++ {
				_ = make([]byte, n%65536)
				runtime.Gosched()
			}
		}()
	}
	self := syscall.Getpid()
	if err := syscall.Kill(self, syscall.SIGHUP); err != nil { // would end the test
		t.Fatal(err)
	}
	for range 1000 {
		for _, want := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGTERM} {
			if err := syscall.Kill(self, want); err != nil {
				t.Fatal(err)
			}
			if got := <-caught; got != want {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
	}
}
