//go:build unix

package tty

import (
	"os"
	"os/signal"
	"syscall"
)

// follow starts to set the mode of the terminal when the process is stopped or continued,
// and to follow the size of the window, until t is closed.
func (t *Terminal) follow() {
	jobs := make(chan os.Signal, 8)
	signal.Notify(jobs, syscall.SIGTSTP, syscall.SIGCONT, syscall.SIGWINCH)
	go t.followJobs(jobs)
}

// followJobs handles the signals of jobs. It ends when t is closed.
func (t *Terminal) followJobs(jobs chan os.Signal) {
	defer signal.Stop(jobs)
	for {
		select {
		case <-t.closed:
			return
		case s := <-jobs:
			switch s {
			case syscall.SIGTSTP:
				t.suspend()
				t.resume()
			case syscall.SIGCONT:
				t.resume() // after SIGSTOP
			case syscall.SIGWINCH:
				t.resize()
			}
		}
	}
}

// suspend stops the process, with the terminal in its own mode.
func (t *Terminal) suspend() {
	t.restore()
	if t.stop != nil {
		t.stop()
	}
}

// resume sets our mode again, and redraws the line. In the background it does nothing:
// the shell sends SIGCONT again when it moves the process to the foreground.
func (t *Terminal) resume() {
	if !foreground(t.mode.fd) || t.set() != nil {
		return
	}
	t.resize()
	if t.editor != nil {
		_ = t.editor.notice("") // the terminal may have gone
	}
}
