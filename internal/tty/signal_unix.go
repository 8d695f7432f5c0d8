//go:build unix

package tty

import (
	"os/signal"
	"syscall"
)

// follow starts to set the mode of the terminal when the process is stopped or continued,
// and to follow the size of the window, until t is left.
func (t *Terminal) follow() {
	signal.Notify(t.jobs, syscall.SIGTSTP, syscall.SIGCONT, syscall.SIGWINCH)
	go t.followJobs()
}

// followJobs handles the signals of jobs. It ends when the terminal is left.
func (t *Terminal) followJobs() {
	for s := range t.jobs {
		switch s {
		case syscall.SIGTSTP:
			_ = t.unlessLeft(t.mode.restore)
			t.Stop()
			t.resume()
		case syscall.SIGCONT:
			t.resume() // after SIGSTOP
		case syscall.SIGWINCH:
			t.resize()
		}
	}
}

// resume sets our mode again, and redraws the line. In the background it does nothing:
// the shell sends SIGCONT again when it moves the process to the foreground.
func (t *Terminal) resume() {
	if !foreground(t.mode.fd) || t.unlessLeft(t.mode.set) != nil {
		return
	}
	t.resize()
	if t.editor != nil {
		_ = t.editor.notice("") // the terminal may have gone
	}
}
