//go:build unix

package tty

import "golang.org/x/sys/unix"

// A mode is a terminal's own mode and ours (termios(4)).
type mode struct {
	fd           int
	before, ours unix.Termios
}

// newMode reads the mode of the terminal fd and derives ours from it, without setting
// it. Raw mode is that of cfmakeraw(3). Otherwise each key is read at once and not
// echoed, but ^C, ^Z and ^\ still send signals, and a newline of a diagnostic still
// returns to the left edge.
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

// set sets our mode, and restore the terminal's own. In the background, where the
// attempt would stop the process (SIGTTOU), both do nothing.
func (m *mode) set() error { return m.change(&m.ours) }

func (m *mode) restore() error { return m.change(&m.before) }

func (m *mode) change(to *unix.Termios) error {
	if !foreground(m.fd) {
		return nil
	}
	return unix.IoctlSetTermios(m.fd, ioctlSetTermios, to)
}

// foreground reports whether we may use the terminal fd: our process group is in its
// foreground, or it is not our controlling terminal.
func foreground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err != nil || group == unix.Getpgrp()
}
