package cli

import (
	"io"
	"runtime"
	"sync"
	"time"
)

// Stderr writes to standard error in the background: a write neither waits, nor fails
// or raises SIGPIPE when the reader has left. Thus no reader of the log, of a dump or
// of a meter can delay or end a conversation.
var Stderr io.Writer = standardError

var standardError = &backgroundWriter{write: writeStderr, sleep: sleep}

// Flush waits, as the end of the command does, until [Stderr] has been written: another
// writer is about to use the terminal.
func Flush() { standardError.flush() }

const (
	// maxPending is how many bytes may wait to be written.
	maxPending = 4 << 20
	// maxWrite is the most bytes in one write(2), unless a line is longer: a pipe
	// does not mix them with the writes of other processes (PIPE_BUF).
	maxWrite = 4096
	// At the end of the command, flushIdle is the limit for a reader that reads
	// nothing, and flushLimit for any reader.
	flushIdle, flushLimit = 500 * time.Millisecond, 5 * time.Second
)

// A backgroundWriter buffers what is written, and writes it in the background.
type backgroundWriter struct {
	write func([]byte) (int, error)
	sleep func(time.Duration)

	mu      sync.Mutex
	pending []byte
	written int  // bytes
	lost    int  // writes that did not fit into the buffer
	busy    bool // drain is running
}

// Write implements [io.Writer]. A write that does not fit into the buffer is dropped as
// a whole, and counted.
func (b *backgroundWriter) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.pending)+len(p) > maxPending {
		b.lost++
		return len(p), nil
	}
	b.pending = append(b.pending, p...)
	if !b.busy {
		b.busy = true
		go b.drain()
	}
	return len(p), nil
}

// takeLost returns how many writes were dropped since the last call, or 0 while there
// is no space to report them.
func (b *backgroundWriter) takeLost() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.pending) < maxPending/2 {
		n, b.lost = b.lost, 0
	}
	return n
}

// drain writes until nothing is pending. A piece that cannot be written is dropped.
func (b *backgroundWriter) drain() {
	var piece []byte
	for {
		b.mu.Lock()
		b.written += len(piece)
		piece, b.pending = splitLines(b.pending)
		if len(piece) == 0 {
			b.pending, b.busy = nil, false
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

// splitLines splits text behind the lines that fit into one write.
func splitLines(text []byte) (first, rest []byte) {
	end := 0
	for i, c := range text {
		if i >= maxWrite && end > 0 {
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

// flush waits until everything is written, within flushIdle and flushLimit. It uses no
// timer of the runtime: a timer needs a descriptor, and that there is none may be what
// the log reports.
func (b *backgroundWriter) flush() {
	runtime.Gosched() // usually drain has finished then
	var waited, idle time.Duration
	before := 0
	for step := 50 * time.Microsecond; idle < flushIdle && waited < flushLimit; step = min(2*step, 10*time.Millisecond) {
		b.mu.Lock()
		busy, written := b.busy, b.written
		b.mu.Unlock()
		if !busy {
			return
		}
		if written != before {
			before, idle = written, 0
		}
		b.sleep(step)
		waited, idle = waited+step, idle+step
	}
}
