//go:build unix

package cli

import (
	"runtime"
	"sync"
	"syscall"
	"testing"
)

// Every signal is heard, whatever the runtime is at when it comes: collecting
// garbage, moving stacks, preempting, in system calls.
func TestOnSignal(t *testing.T) {
	heard := make(chan struct{}, 1)
	OnSignal(func() {
		select {
		case heard <- struct{}{}:
		default:
		}
	}, syscall.SIGUSR1)
	send := func() {
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGUSR1); err != nil {
			t.Error(err)
		}
	}
	for range 1000 {
		send()
		<-heard
	}

	done := make(chan struct{})
	var busy, senders sync.WaitGroup
	for range 3 {
		busy.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				if deep(100) != 100 {
					t.Error("the stack was damaged")
				}
				if n%50 == 0 {
					runtime.GC()
				}
			}
		})
	}
	for range 4 {
		senders.Go(func() {
			for range 2000 {
				send()
			}
		})
	}
	senders.Wait()
	close(done)
	busy.Wait()
	for { // what came before may be heard still
		select {
		case <-heard:
			continue
		default:
		}
		break
	}
	send()
	<-heard
}

func deep(n int) int {
	var room [512]byte
	room[n] = byte(n)
	if n == 0 {
		return 0
	}
	return deep(n-1) + int(room[n]) - n + 1
}
