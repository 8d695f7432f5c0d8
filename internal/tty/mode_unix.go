//go:build unix

package tty

import (
	"golang.org/x/sys/unix"
)

// A mode is a terminal's mode, before and while we have it; termios(4).
type mode struct {
	fd           int
	before, ours unix.Termios
}

// newMode reads the mode of the terminal fd and makes ours of it, without
// setting it yet. Raw passes every key through, as cfmakeraw(3) does. Otherwise
// keys come one by one and are not echoed, but ^C, ^Z and ^\ still work, even while
// the keys are not read, and a newline still returns to the left edge, for the sake
// of the diagnostics.
func newMode(fd int, raw bool) (*mode, error) {
	before, err := unix.IoctlGetTermios(fd, ioctlGetTermios)
	if err != nil {
		return nil, err
	}
	m := &mode{fd: fd, before: *before, ours: *before}
	t := &m.ours
	t.Iflag &^= unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.IEXTEN
	if raw {
		t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.IXON
		t.Oflag &^= unix.OPOST
		t.Lflag &^= unix.ISIG
		t.Cflag &^= unix.CSIZE | unix.PARENB
		t.Cflag |= unix.CS8
	}
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return m, nil
}

// set gives the terminal our mode, restore its own. Neither does anything in
// the background, where the terminal belongs to another process group and the
// attempt would stop the process (SIGTTOU).
func (m *mode) set() error { return m.change(&m.ours) }

func (m *mode) restore() error { return m.change(&m.before) }

func (m *mode) change(to *unix.Termios) error {
	if !foreground(m.fd) {
		return nil
	}
	return unix.IoctlSetTermios(m.fd, ioctlSetTermios, to)
}

// returns reports whether the terminal, in our mode, puts a return before each
// newline.
func (m *mode) returns() bool {
	return m.ours.Oflag&unix.OPOST != 0 && m.ours.Oflag&unix.ONLCR != 0
}

// foreground reports whether we may use the terminal fd: our process group is
// in its foreground, or it is not the terminal that job control is about.
func foreground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err != nil || group == unix.Getpgrp()
}
