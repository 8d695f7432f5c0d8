package conn

import (
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
)

// OpenOutput opens a file that an option writes. If path is standard output, by any
// name, or /dev/fd/N, it uses the open file: to open it again could truncate it or
// write at another offset, and fails for a socket. For standard error it returns
// stderr. It refuses the file that is standard input, as cat(1) does.
func OpenOutput(path string, stderr io.WriteCloser) (io.WriteCloser, error) {
	if info, err := os.Stat(path); err == nil {
		is := func(f *os.File) bool {
			standard, err := f.Stat()
			return err == nil && os.SameFile(info, standard)
		}
		switch {
		case is(os.Stderr):
			return stderr, nil
		case is(os.Stdout):
			return duplicate(os.Stdout) // the command may end standard output before
		case info.Mode().IsRegular() && is(os.Stdin):
			return nil, &Error{Why: Local, Op: strconv.Quote(path), Err: errors.New("input file is output file")}
		}
	}
	if n, ok := strings.CutPrefix(path, "/dev/fd/"); ok {
		if fd, err := strconv.Atoi(n); err == nil && inherited(fd) {
			return os.NewFile(uintptr(fd), path), nil
		}
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
}
