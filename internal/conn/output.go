package conn

import (
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
)

// OpenOutput opens a file that an option writes. A standard stream by any name, and
// /dev/fd/N, is used as it is: opened anew it would be truncated, or written at an
// offset of its own, and a socket cannot be. Stderr takes the place of standard
// error. The file that is our input is refused, as cat(1) refuses it.
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
