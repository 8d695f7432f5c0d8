package tty

import "golang.org/x/term"

// A mode is a console's own mode.
type mode struct {
	fd     int
	before *term.State
}

func newMode(fd int, _ bool) (*mode, error) {
	before, err := term.GetState(fd)
	return &mode{fd: fd, before: before}, err
}

func (m *mode) set() error {
	_, err := term.MakeRaw(m.fd)
	return err
}

func (m *mode) restore() error { return term.Restore(m.fd, m.before) }

func foreground(int) bool { return true }

// follow does nothing: this system has no signals of a terminal.
func (t *Terminal) follow() {}
