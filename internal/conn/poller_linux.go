package conn

import (
	"time"

	"golang.org/x/sys/unix"
)

// StartPoller makes the Go runtime open the descriptors that it needs for its first
// socket or timer (epoll(7), eventfd(2)). It returns an error if there are none left:
// the runtime itself would crash the process with a stack trace.
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
