package conn

import (
	"time"

	"golang.org/x/sys/unix"
)

// StartPoller lets the Go runtime open what it needs for its first socket or
// timer (epoll(7), eventfd(2)). It returns an error if there are no descriptors
// left for that: the runtime itself would end the process with the stacks of all
// goroutines.
func StartPoller() error {
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err == nil {
		var event int
		if event, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err == nil {
			_ = unix.Close(event)
		}
		_ = unix.Close(poll)
	}
	if err != nil {
		return &Error{Why: ConnectKind(err), Op: "wait for sockets", Err: err}
	}
	time.AfterFunc(time.Hour, func() {}).Stop()
	return nil
}
