//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// numbers reads the arguments of a role.
func numbers(args []string, into ...*int) error {
	if len(args) != len(into) {
		return fmt.Errorf("want %d numbers, not %q", len(into), args)
	}
	for i, arg := range args {
		n, err := strconv.Atoi(arg)
		if err != nil {
			return err
		}
		*into[i] = n
	}
	return nil
}

// dialled is a connection to a port, from one of many addresses of the loopback
// so that a crowd does not use up the ports of one.
func dialled(port, i int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 1, byte(1 + i%250)}})
	if err == nil {
		_, err = retry(func() (int64, error) {
			return 0, unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
		})
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// pingpong PORT MS CONNS SIZE: messages to and fro on all connections at once;
// counts those that came back.
func pingpong(args []string) (Report, error) {
	var port, ms, conns, size int
	if err := numbers(args, &port, &ms, &conns, &size); err != nil {
		return Report{}, err
	}
	ep, err := unix.EpollCreate1(0)
	if err != nil {
		return Report{}, err
	}
	message, buf := make([]byte, size), make([]byte, 64<<10)
	left := make([]*[2]int, 0, conns+64) // by descriptor: to be written, to be read
	for i := range conns {
		fd, err := dialled(port, i)
		if err != nil {
			return Report{}, err
		}
		_ = unix.SetNonblock(fd, true)
		state := &[2]int{size, size}
		for fd >= len(left) {
			left = append(left, nil)
		}
		left[fd] = state
		if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
			return Report{}, err
		}
		// One round, so that everybody has been accepted.
		if err := push(ep, fd, state, message); err != nil {
			return Report{}, err
		}
	}
	var r Report
	events := make([]unix.EpollEvent, 256)
	began := now()
	warm := began + int64(ms)*1e6/4
	for stop := warm + int64(ms)*1e6; ; {
		n, err := epollWait(ep, events)
		if n == 0 || err != nil {
			return r, fmt.Errorf("no answer: %v", err)
		}
		for _, e := range events[:n] {
			fd := int(e.Fd)
			done, err := pull(ep, fd, left[fd], message, buf, e.Events)
			if err != nil {
				return r, err
			}
			if done {
				r.Count++
			}
		}
		t := now()
		switch {
		case r.Start == 0 && t >= warm:
			r.Start, r.Count = t, 0
		case t >= stop:
			r.End = t
			return r, nil
		}
	}
}

// push writes what is left of a message, and waits for the socket if it takes no
// more.
func push(ep, fd int, left *[2]int, message []byte) error {
	for left[0] > 0 {
		n, err := prompt(unix.SYS_WRITE, fd, message[len(message)-left[0]:])
		if err == unix.EAGAIN {
			return unix.EpollCtl(ep, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT, Fd: int32(fd)})
		}
		if err != nil {
			return err
		}
		left[0] -= n
	}
	return nil
}

// pull handles an event; done is true when a message has come back whole, and
// the next one is then on its way.
func pull(ep, fd int, left *[2]int, message, buf []byte, events uint32) (done bool, err error) {
	if events&unix.EPOLLOUT != 0 && left[0] > 0 {
		if err := push(ep, fd, left, message); err != nil {
			return false, err
		}
		if left[0] == 0 {
			err = unix.EpollCtl(ep, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
		}
	}
	if err != nil || events&^uint32(unix.EPOLLOUT) == 0 {
		return false, err
	}
	n, err := prompt(unix.SYS_READ, fd, buf)
	if err == unix.EAGAIN {
		return false, nil
	}
	if n == 0 || err != nil {
		return false, fmt.Errorf("the answer ended: %v", err)
	}
	if left[1] -= n; left[1] > 0 {
		return false, nil
	}
	*left = [2]int{len(message), len(message)}
	return true, push(ep, fd, left, message)
}

// prompt is read(2) or write(2) on a socket that does not block, without telling
// the scheduler of it: the load must not cost more than what it is put on.
func prompt(call uintptr, fd int, b []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
			continue
		}
		return 0, errno
	}
}

// epollWait waits for events, for two seconds at most.
func epollWait(ep int, events []unix.EpollEvent) (int, error) {
	if n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(ep), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0); errno == 0 && n > 0 {
		return int(n), nil
	}
	for {
		n, err := unix.EpollWait(ep, events, 2000)
		if err != unix.EINTR {
			return n, err
		}
	}
}

// churn PORT MS PARALLEL: connects, sends a message, reads it back and closes, so
// many at a time.
func churn(args []string) (Report, error) {
	var port, ms, parallel int
	if err := numbers(args, &port, &ms, &parallel); err != nil {
		return Report{}, err
	}
	ep, err := unix.EpollCreate1(0)
	if err != nil {
		return Report{}, err
	}
	message := make([]byte, message)
	tried := 0
	open := func() error {
		fd, err := dialled(port, tried)
		tried++
		if err != nil {
			return err
		}
		if _, err := unix.Write(fd, message); err != nil {
			return err
		}
		return unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	}
	for range parallel {
		if err := open(); err != nil {
			return Report{}, err
		}
	}
	r := Report{Start: now()}
	events, buf := make([]unix.EpollEvent, 256), make([]byte, 256)
	for stop := r.Start + int64(ms)*1e6; r.End < stop; r.End = now() {
		n, err := epollWait(ep, events)
		if n == 0 || err != nil {
			return r, fmt.Errorf("no answer: %v", err)
		}
		for _, e := range events[:n] {
			if n, err := unix.Read(int(e.Fd), buf); n != len(message) {
				return r, fmt.Errorf("the answer ended: %d bytes, %v", n, err)
			}
			_ = unix.Close(int(e.Fd))
			r.Count++
			if err := open(); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// idle PORT N LIMIT: opens N connections, moves 64 KiB to and fro on each, writes
// a byte to standard output, and waits. With a limit (in nanoseconds) it reads
// until all have been closed; the report's interval is then by how much the
// latest was late.
func idle(args []string) (Report, error) {
	var port, n, limit int
	if err := numbers(args, &port, &n, &limit); err != nil {
		return Report{}, err
	}
	buf := make([]byte, 64<<10)
	fds, last := make([]int, n), make([]int64, n)
	for i := range fds {
		fd, err := dialled(port, i)
		if err != nil {
			return Report{}, err
		}
		if _, err := unix.Write(fd, buf); err != nil {
			return Report{}, err
		}
		for got := 0; got < len(buf); {
			m, err := retry(func() (int64, error) { m, err := unix.Read(fd, buf); return int64(m), err })
			if m == 0 || err != nil {
				return Report{}, fmt.Errorf("the answer ended: %v", err)
			}
			got += int(m)
		}
		fds[i], last[i] = fd, now()
	}
	if _, err := os.Stdout.Write([]byte{'\n'}); err != nil {
		return Report{}, err
	}
	if limit == 0 {
		time.Sleep(time.Minute) // until we are ended
	}
	r := Report{Count: int64(n)}
	for i, fd := range fds { // in the order of their limits
		if m, err := retry(func() (int64, error) { m, err := unix.Read(fd, buf); return int64(m), err }); m != 0 || err != nil {
			return r, fmt.Errorf("not closed in order: %d bytes, %v", m, err)
		}
		r.End = max(r.End, now()-last[i]-int64(limit))
		_ = unix.Close(fd)
	}
	return r, nil
}

// shower PORT MS: distinct datagrams to and fro, 32 under way at a time; counts
// bytes rather than datagrams, since a peer may run them together.
func shower(args []string) (Report, error) {
	var port, ms int
	if err := numbers(args, &port, &ms); err != nil {
		return Report{}, err
	}
	const under = 32
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		return Report{}, err
	}
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 20_000})
	datagram, buf := make([]byte, message), make([]byte, 64<<10)
	number := uint64(0)
	send := func(n int) {
		for range n {
			number++
			binary.LittleEndian.PutUint64(datagram, number)
			_, _ = prompt(unix.SYS_WRITE, fd, datagram) // no peer may be there yet
		}
	}
	r := Report{Start: now()}
	warm := r.Start + int64(ms)*1e6/4
	stop := warm + int64(ms)*1e6
	bytes, lost := int64(0), 0
	for send(under); ; {
		n, err := prompt(unix.SYS_READ, fd, buf)
		if err != nil {
			if lost++; lost > 500 {
				return r, fmt.Errorf("no answer: %w", err)
			}
			send(under)
			continue
		}
		bytes += int64(n)
		send(max(n/message, 0))
		switch t := now(); {
		case t < warm:
			r.Start, bytes = t, 0
		case t >= stop:
			r.End, r.Count = t, bytes/message
			return r, nil
		}
	}
}
