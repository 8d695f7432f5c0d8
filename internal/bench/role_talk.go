//go:build linux

package main

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// message is the length of a small message in bytes, as in netperf's TCP_RR.
const message = 64

// echo accept|dial…: sends back what comes, with TCP_NODELAY.
func echo(args []string) (Report, error) {
	c, err := connection(args)
	if err != nil {
		return Report{}, err
	}
	_ = unix.SetsockoptInt(c, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) // not on Unix sockets
	buf := make([]byte, 64<<10)
	r := Report{Start: now()}
	for {
		n, err := unix.Read(c, buf)
		if err == unix.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			r.End = now()
			return r, nil
		}
		if _, err := unix.Write(c, buf[:n]); err != nil {
			return r, err
		}
		r.Count += int64(n)
	}
}

// ping ROUNDS: writes a message to standard output and waits for as many bytes
// on standard input, ROUNDS times, after a tenth of that to warm up.
func ping(args []string) (Report, error) {
	rounds, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return Report{}, err
	}
	warm := rounds / 10
	r := Report{Start: now()}
	buf := make([]byte, message)
	for i := range rounds + warm {
		if i == warm {
			r.Start = now()
		}
		if _, err := unix.Write(unix.Stdout, buf); err != nil {
			return r, err
		}
		for got := 0; got < message; {
			n, err := unix.Read(unix.Stdin, buf[got:])
			if err == unix.EINTR {
				continue
			}
			if n <= 0 || err != nil {
				return r, fmt.Errorf("the answer ended: %v", err)
			}
			got += n
		}
	}
	r.End, r.Count = now(), rounds
	return r, nil
}

// answer: accepts one connection after the other, waits for a first message,
// sends as much back and closes. It ends when it is killed.
func answer([]string) (Report, error) {
	buf := make([]byte, 4096)
	for {
		c, _, err := unix.Accept4(socketFd, unix.SOCK_CLOEXEC)
		if err != nil {
			return Report{}, err
		}
		if n, err := unix.Read(c, buf); err == nil && n > 0 {
			_, _ = unix.Write(c, buf[:n])
		}
		_ = unix.Close(c)
	}
}
