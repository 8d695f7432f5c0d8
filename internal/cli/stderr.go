package cli

import (
	"bytes"
	"io"
	"runtime"
	"sync"
	"time"
)

// Stderr writes to standard error in the background: a write neither waits, nor fails
// or raises SIGPIPE when the reader has left. Thus no reader of the log, of a dump or
// of a meter can delay or end a conversation.
var Stderr io.WriteCloser = standardError

var standardError = &backgroundWriter{write: writeStderr, sleep: sleep}

// DirectStderr writes to standard error at once, and blocks as long as the reader does.
var DirectStderr io.Writer = direct{}

type direct struct{}

func (direct) Write(p []byte) (int, error) { return writeStderr(p) }

// WriteStderrBy makes [Stderr] write by show, one call at a time, to which it gives
// [DirectStderr]: the terminal shows more than lines, for example a line that is being
// typed.
func WriteStderrBy(show func(lines []byte, stderr io.Writer) (int, error)) {
	standardError.mu.Lock()
	defer standardError.mu.Unlock()
	standardError.write = func(p []byte) (int, error) { return show(p, DirectStderr) }
}

// Flush waits, as the end of the command does, until [Stderr] has been written: another
// writer is about to use the terminal.
func Flush() { standardError.flush() }

const (
	// maxPending is how many bytes may wait to be written.
	maxPending = 4 << 20
	// overhead is what the memory of a waiting write takes beside its bytes.
	overhead = 64
	// At the end of the command, flushIdle is the limit for a reader that reads
	// nothing, and flushLimit for any reader.
	flushIdle, flushLimit = 500 * time.Millisecond, 5 * time.Second
	// flushLook is the time between two looks whether all is written.
	flushLook = 100 * time.Microsecond
	// fullPause is the time between two tries to write to a standard error that another
	// process has made non-blocking, and that is full.
	fullPause = 10 * time.Millisecond
)

// A backgroundWriter queues what is written, and writes it in the background.
type backgroundWriter struct {
	sleep func(time.Duration)

	mu      sync.Mutex
	write   func([]byte) (int, error)
	pending [][]byte
	size    int  // of pending, in bytes, with the overhead
	taken   int  // bytes that write has taken
	busy    bool // drain is running
}

// Write implements [io.Writer]. A write that does not fit into the queue is dropped as a
// whole.
func (b *backgroundWriter) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(p) == 0 || b.size+len(p)+overhead > maxPending {
		return len(p), nil
	}
	b.pending = append(b.pending, bytes.Clone(p))
	b.size += len(p) + overhead
	if !b.busy {
		b.busy = true
		go b.drain()
	}
	return len(p), nil
}

// Close implements [io.Closer]; standard error stays open.
func (b *backgroundWriter) Close() error { return nil }

// drain writes until nothing is pending. What cannot be written is dropped.
func (b *backgroundWriter) drain() {
	for {
		b.mu.Lock()
		if len(b.pending) == 0 {
			b.pending, b.busy = nil, false
			b.mu.Unlock()
			return
		}
		rest, write := b.pending[0], b.write
		b.pending = b.pending[1:]
		b.size -= len(rest) + overhead
		b.mu.Unlock()
		for len(rest) > 0 {
			n, err := write(rest)
			if err != nil {
				break
			}
			rest = rest[n:]
			b.mu.Lock()
			b.taken += n
			b.mu.Unlock()
		}
	}
}

// flush waits until everything is written, within flushIdle and flushLimit. It uses no
// timer of the runtime: a timer needs a descriptor, and the log may have to report that
// there is none.
func (b *backgroundWriter) flush() {
	runtime.Gosched() // usually drain has finished then
	began := time.Now()
	before, moved := 0, began
	for now := began; now.Sub(moved) < flushIdle && now.Sub(began) < flushLimit; now = time.Now() {
		b.mu.Lock()
		busy, taken := b.busy, b.taken
		b.mu.Unlock()
		if !busy {
			return
		}
		if taken != before {
			before, moved = taken, now
		}
		b.sleep(flushLook)
	}
}
