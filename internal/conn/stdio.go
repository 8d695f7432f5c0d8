package conn

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gcat/internal/errno"
)

// Stdio is standard input and standard output as one [Stream]. The descriptors
// belong to the caller's shell as well: they are never set to O_NONBLOCK.
type Stdio struct {
	// In and Out are what is read and written; nil means [os.Stdin] and [os.Stdout].
	In, Out *os.File
	// Terminal is set if Out is a terminal, whose reader waits for no end of file.
	Terminal bool
	// KeepOpen leaves Out open when CloseWrite is called, because other
	// conversations write to it, too.
	KeepOpen bool

	meter
	flight *flight // of the pump that reads In; nil: several conversations read it

	once    sync.Once
	in, out int
	outType uint32     // of the file that Out is (S_IFMT, inode(7))
	grams   bool       // In is a datagram socket
	jobs    bool       // In is the terminal that controls our jobs
	mu      sync.Mutex // one write at a time, whole
	// Guarded by mu:
	closed bool          // CloseWrite was called
	wake   *os.File      // the end of a pipe that stopWatch closes
	woken  chan struct{} // closed when Gone polls no more; nil if it never did
}

// Watch makes s touch the conversation's progress after every partial write, unless
// other conversations write to it, too.
func (s *Stdio) Watch(progress *Progress) {
	if !s.KeepOpen {
		s.meter.Watch(progress)
	}
}

// taking is 0 if other conversations write to s, too: the write may be one of theirs.
func (s *Stdio) taking() int64 {
	if s.KeepOpen {
		return 0
	}
	return s.meter.taking()
}

// CloseWrite ends standard output so that its reader sees an end of file although this
// process goes on: /dev/null takes its place (a plain close would free the descriptor's
// number for another file). A socket is shut down for writing.
func (s *Stdio) CloseWrite() error {
	s.init()
	if s.KeepOpen || s.Terminal { // no process waits for the end of a terminal
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.stopWatch() // a poll asleep on a pipe keeps it open
	return s.endOutput()
}

// outputError is the error of a failed write to standard output; nil if err is.
func outputError(err error) error {
	if err == nil {
		return nil
	}
	return &Error{Why: Local, Op: "standard output", Err: errno.Posix(err)}
}

// InputError is the error of a failed read of standard input.
func InputError(err error) error {
	return &Error{Why: Local, Op: "standard input", Err: errno.Posix(err)}
}

// OpenOutput opens a file that an option writes. If path is standard output, by any
// name, or /dev/fd/N, it uses the open file: to open it again could truncate it or
// write at another offset, and fails for a socket. For standard error it returns
// stderr. It refuses the file that is standard input, as cat(1) does, and those of
// inputs, which other options read.
func OpenOutput(path string, stderr io.WriteCloser, inputs ...string) (io.WriteCloser, error) {
	info, _ := os.Stat(path) // nil if there is none: SameFile is false then
	is := func(f *os.File) bool {
		standard, _ := f.Stat()
		return os.SameFile(info, standard)
	}
	read := func(input string) bool { return sameFile(path, input) }
	switch {
	case is(os.Stderr):
		return stderr, nil
	case is(os.Stdout):
		return duplicate(os.Stdout) // the command may end standard output before
	case info != nil && info.Mode().IsRegular() && (is(os.Stdin) || slices.ContainsFunc(inputs, read)):
		return nil, &Error{Why: Local, Op: strconv.Quote(path), Err: errors.New("input file is output file")}
	}
	if n, ok := strings.CutPrefix(path, "/dev/fd/"); ok {
		if fd, err := strconv.Atoi(n); err == nil && inherited(fd) {
			return os.NewFile(uintptr(fd), path), nil
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	return f, pathError(err)
}

// WriteOutput writes text to the file that an option names, which [OpenOutput] opens.
func WriteOutput(path, text string, stderr io.WriteCloser, inputs ...string) error {
	f, err := OpenOutput(path, stderr, inputs...)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, text)
	return pathError(cmp.Or(err, f.Close()))
}

// pathError returns err with the path in quotes, if it is an error of a file. It has no
// kind: an EPIPE that is not of standard output is no [OutputClosed].
func pathError(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return fmt.Errorf("%s %q: %s", e.Op, e.Path, Words(e.Err))
	}
	return err
}
