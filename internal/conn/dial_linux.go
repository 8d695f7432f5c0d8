package conn

import (
	"cmp"
	"context"
	"errors"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/mdlayher/vsock"
	"golang.org/x/sys/unix"
)

// listenVsock listens on PORT of the context identifier that e names, or of
// this machine's.
func listenVsock(e Endpoint) (net.Listener, error) {
	cid, port := vsockNumbers(e)
	if e.Host == "" {
		return vsock.Listen(port, nil)
	}
	return vsock.ListenContextID(cid, port, nil)
}

// dialVsock connects to CID:PORT. The connect itself has no deadline, so it
// may outlive ctx.
func dialVsock(ctx context.Context, e Endpoint) (net.Conn, error) {
	cid, port := vsockNumbers(e)
	done := make(chan attempt, 1)
	go func() { // ends with the kernel's own connect limit
		c, err := vsock.Dial(cid, port, nil)
		if errors.Is(err, syscall.ECONNRESET) { // vsock's word for a port that nothing listens on
			err = syscall.ECONNREFUSED
		}
		done <- attempt{0, c, err}
	}()
	select {
	case a := <-done:
		return a.c, a.err
	case <-ctx.Done():
		go closeLate(done, 1) // ends with the dial
		return nil, ctx.Err()
	}
}

// vsockNumbers are e's, which [Endpoint.check] has accepted.
func vsockNumbers(e Endpoint) (cid, port uint32) {
	p, _ := strconv.ParseUint(e.Port, 10, 32)
	c, _ := strconv.ParseUint(cmp.Or(e.Host, strconv.Itoa(vsock.Local)), 10, 32)
	return uint32(c), uint32(p)
}

// freePath is the empty path, for which the kernel chooses an abstract name (autobind,
// unix(7)): it leaves no file behind however the process ends.
func freePath() string { return "" }

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
