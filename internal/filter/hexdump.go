package filter

import (
	"cmp"
	"fmt"
	"io"
	"sync"
	"time"

	"gcat/internal/conn"
)

// A Dump is a hex dump of conversations, several at once if need be. A failed write ends
// the dump and nothing else; Close returns the error.
type Dump struct {
	// Name is the name of the file in errors.
	Name string
	// Out is the file.
	Out io.WriteCloser

	mu  sync.Mutex
	err error // the first error of Out, after which nothing is written
}

// Close closes the file. Some file systems report a full disk only then.
func (d *Dump) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err = cmp.Or(d.err, d.Out.Close()); d.err != nil {
		return &conn.Error{Why: conn.Local, Op: fmt.Sprintf("write %q", d.Name), Err: d.err}
	}
	return nil
}

// Dumped is a [conn.Stream] that writes all its bytes to a [Dump].
type Dumped struct {
	conn.Stream
	Dump *Dump
	// Peer names the remote side.
	Peer string

	sent, received int64
}

// Read reads, and dumps what was read.
func (d *Dumped) Read(p []byte) (int, error) {
	n, err := d.Stream.Read(p)
	if n > 0 || err == nil {
		d.Dump.write('<', "from", d.Peer, d.received, p[:n])
		d.received += int64(n)
	}
	return n, err
}

// Write writes, and dumps what was written.
func (d *Dumped) Write(p []byte) (int, error) {
	n, err := d.Stream.Write(p)
	if n > 0 || err == nil {
		d.Dump.write('>', "to", d.Peer, d.sent, p[:n])
		d.sent += int64(n)
	}
	return n, err
}

// write dumps p, which is at offset in its direction, under a line with the time.
// All lines go in one write, so that conversations that share a file do not mix.
func (d *Dump) write(mark byte, preposition, peer string, offset int64, p []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return
	}
	text := make([]byte, 0, 96+(len(p)/16+1)*81)
	text = fmt.Appendf(text, "# %s %c %s %s %s\n", time.Now().Format("2006-01-02T15:04:05.000000"), mark, conn.ByteCount(int64(len(p))), preposition, peer)
	for len(p) > 0 {
		line := p[:min(len(p), 16)]
		left := line[:min(len(line), 8)]
		text = fmt.Appendf(text, "%c %08x  % -23x  % -23x  |", mark, offset, left, line[len(left):])
		for _, b := range line {
			if b < ' ' || b > '~' {
				b = '.'
			}
			text = append(text, b)
		}
		text = append(text, "|\n"...)
		p, offset = p[len(line):], offset+int64(len(line))
	}
	_, d.err = d.Out.Write(text)
}
