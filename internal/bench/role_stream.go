//go:build linux

package main

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	pipeSize = 1 << 20
	piece    = 1 << 20 // what a role moves at most per system call
)

// What a sink reads, as iperf3 does, and what a source writes at a time.
const (
	swallow  = 128 << 10
	spoonful = 256 << 10
)

// sink BYTES accept|dial…: reads what a socket sends, as any program does, until
// BYTES have come or the end. One that discarded without copying (MSG_TRUNC,
// tcp(7)) would sleep most of the time and leave the work of receiving to the
// sender, on whose processor the loopback then runs.
func sink(args []string) (Report, error) {
	want, c, err := streamArgs(args)
	if err != nil {
		return Report{}, err
	}
	r := Report{Start: now()}
	buf := make([]byte, swallow)
	for r.Count < want {
		n, err := retry(func() (int64, error) {
			n, err := unix.Read(c, buf)
			return int64(n), err
		})
		if err != nil {
			return r, err
		}
		if n == 0 {
			break
		}
		r.Count += n
	}
	r.End = now()
	return r, nil
}

// send accept|dial…: sends standard input, a file, by sendfile(2), and ends as a
// tool does: when the peer has.
func send(args []string) (Report, error) {
	c, err := connection(args)
	if err != nil {
		return Report{}, err
	}
	r := Report{Start: now()}
	for {
		n, err := retry(func() (int64, error) {
			n, err := unix.Sendfile(c, unix.Stdin, nil, 0x7ffff000)
			return int64(n), err
		})
		if r.Count += n; n <= 0 || err != nil {
			if err == nil {
				err = unix.Shutdown(c, unix.SHUT_WR)
			}
			r.End = now()
			return r, err
		}
	}
}

// source BYTES accept|dial…: writes BYTES, as any program does, half-closes, and
// is done when the peer has closed: then it has written all of it out.
func source(args []string) (Report, error) {
	want, c, err := streamArgs(args)
	if err != nil {
		return Report{}, err
	}
	block := slices.Repeat([]byte("0123456789abcde\n"), spoonful/16)
	r := Report{Start: now()}
	for r.Count < want {
		n, err := retry(func() (int64, error) {
			n, err := unix.Write(c, block[:min(spoonful, want-r.Count)])
			return int64(n), err
		})
		if err != nil {
			return r, err
		}
		r.Count += n
	}
	if err := unix.Shutdown(c, unix.SHUT_WR); err != nil {
		return r, err
	}
	buf := make([]byte, 4096)
	for {
		n, err := retry(func() (int64, error) {
			n, err := unix.Read(c, buf)
			return int64(n), err
		})
		if n <= 0 || err != nil {
			r.End = now()
			return r, nil // a reset is an end, too
		}
	}
}

// pour BYTES: fills standard output, a pipe, with pages of its own (vmsplice(2)).
func pour(args []string) (Report, error) {
	want, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return Report{}, err
	}
	page := slices.Repeat([]byte("0123456789abcde\n"), piece/16)
	r := Report{Start: now()}
	for r.Count < want {
		n, err := retry(func() (int64, error) {
			vec := unix.Iovec{Base: unsafe.SliceData(page)}
			vec.SetLen(int(min(piece, want-r.Count)))
			n, err := unix.Vmsplice(unix.Stdout, []unix.Iovec{vec}, 0)
			return int64(n), err
		})
		if err != nil {
			return r, err
		}
		r.Count += n
	}
	_ = unix.Close(unix.Stdout)
	r.End = now()
	return r, nil
}

// drain BYTES: throws away what comes on standard input, a pipe, until BYTES
// have come or the end (splice(2) to /dev/null). It begins with the first byte.
func drain(args []string) (Report, error) {
	want, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return Report{}, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return Report{}, err
	}
	var r Report
	for r.Count < want {
		n, err := retry(func() (int64, error) {
			n, err := unix.Splice(unix.Stdin, nil, int(null.Fd()), nil, piece, 0)
			return int64(n), err
		})
		if err != nil {
			return r, err
		}
		if n == 0 {
			break
		}
		if r.Count == 0 {
			r.Start = now()
		}
		r.Count += n
	}
	r.End = now()
	return r, nil
}

// streamArgs are BYTES and a connection.
func streamArgs(args []string) (want int64, c int, err error) {
	if len(args) < 2 {
		return 0, -1, errors.New("no bytes, or no connection")
	}
	if want, err = strconv.ParseInt(args[0], 10, 64); err != nil {
		return 0, -1, err
	}
	c, err = connection(args[1:])
	return want, c, err
}
