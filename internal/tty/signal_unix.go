//go:build unix

package tty

import (
	"os"
	"os/signal"
	"syscall"
)

// changes begins to listen for the signals that follow is about.
func changes() chan os.Signal {
	jobs := make(chan os.Signal, 8)
	signal.Notify(jobs, syscall.SIGTSTP, syscall.SIGCONT, syscall.SIGWINCH)
	return jobs
}

// follow keeps the terminal right while the process is stopped and continued
// and while its window changes. It ends when t is closed.
func (t *Terminal) follow(jobs chan os.Signal) {
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
				t.resume() // SIGSTOP had stopped us
			case syscall.SIGWINCH:
				t.resize()
			}
		}
	}
}

// suspend stops the process as ^Z stops one that does not catch it, with the
// terminal in its own mode.
func (t *Terminal) suspend() {
	t.restore()
	if t.stop != nil {
		t.stop()
	}
}

// resume takes the terminal again. In the background it does nothing: who
// brings us to the foreground continues us once more.
func (t *Terminal) resume() {
	if !foreground(t.mode.fd) || t.set() != nil {
		return
	}
	t.resize()
	if t.editor != nil {
		t.editor.redraw()
	}
}
