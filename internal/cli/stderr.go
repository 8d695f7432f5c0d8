package cli

import (
	"io"
	"runtime"
	"sync"
	"time"
)

// Stderr is standard error as the commands write it: no write waits, fails for a
// reader that has left, or raises SIGPIPE. The log, a dump and a meter are never
// worth a conversation.
var Stderr io.Writer = standardError

var standardError = &behind{write: writeStderr, sleep: sleep}

// Flush waits, for a moment at most, until what was written to [Stderr] is on its
// way: before another writer takes the terminal.
func Flush() { standardError.flush() }

const (
	// mostBehind is how many bytes may wait to be written.
	mostBehind = 4 << 20
	// atOnce is the most that one write(2) gets, unless a line is longer: a pipe
	// takes as much without mixing it with what other processes write (PIPE_BUF).
	atOnce = 4096
	// patience is how long the end of the command waits for a reader that takes
	// nothing, and longestFlush for one that takes something.
	patience, longestFlush = 500 * time.Millisecond, 5 * time.Second
)

// A behind writes in the background what it is given.
type behind struct {
	write func([]byte) (int, error)
	sleep func(time.Duration)

	mu      sync.Mutex
	waiting []byte
	taken   int  // bytes written so far
	lost    int  // lines and other writes that did not fit
	busy    bool // drain is at work
}

// Write implements [io.Writer]. It never waits nor fails; what does not fit is left
// out as a whole, and counted.
func (b *behind) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting)+len(p) > mostBehind {
		b.lost++
		return len(p), nil
	}
	b.waiting = append(b.waiting, p...)
	if !b.busy {
		b.busy = true
		go b.drain()
	}
	return len(p), nil
}

// takeLost returns how many writes were left out since it was asked last, once there
// is room to say so.
func (b *behind) takeLost() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) < mostBehind/2 {
		n, b.lost = b.lost, 0
	}
	return n
}

// drain writes until nothing waits. What cannot be written is dropped.
func (b *behind) drain() {
	var piece []byte
	for {
		b.mu.Lock()
		b.taken += len(piece)
		piece, b.waiting = splitLines(b.waiting)
		if len(piece) == 0 {
			b.waiting, b.busy = nil, false
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		for rest := piece; len(rest) > 0; {
			n, err := b.write(rest)
			if rest = rest[max(n, 0):]; err != nil {
				break
			}
		}
	}
}

// splitLines cuts the first lines off: as many as go into one write.
func splitLines(text []byte) (first, rest []byte) {
	end := 0
	for i, c := range text {
		if i >= atOnce && end > 0 {
			break
		}
		if c == '\n' {
			end = i + 1
		}
	}
	if end == 0 {
		end = len(text)
	}
	return text[:end:end], text[end:]
}

// flush waits until everything is written, for as long as something is. It sets no
// timer: the runtime's need a descriptor, and the want of one may be what there is
// to say.
func (b *behind) flush() {
	runtime.Gosched() // most often that is enough
	var waited, idle time.Duration
	before := 0
	for step := 50 * time.Microsecond; idle < patience && waited < longestFlush; step = min(2*step, 10*time.Millisecond) {
		b.mu.Lock()
		busy, taken := b.busy, b.taken
		b.mu.Unlock()
		if !busy {
			return
		}
		if taken != before {
			before, idle = taken, 0
		}
		b.sleep(step)
		waited, idle = waited+step, idle+step
	}
}
