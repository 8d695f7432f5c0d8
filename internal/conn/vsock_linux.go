package conn

import (
	"context"
	"errors"
	"net"
	"strconv"
	"syscall"

	"github.com/mdlayher/vsock"
)

// listenVsock listens on PORT of the context identifier that e names, or of
// this machine's.
func listenVsock(e Endpoint) (net.Listener, error) {
	cid, port, err := vsockNumbers(e)
	if err != nil {
		return nil, err
	}
	if e.Host == "" {
		return vsock.Listen(port, nil)
	}
	return vsock.ListenContextID(cid, port, nil)
}

// dialVsock connects to CID:PORT. The connect itself has no deadline, so it
// may outlive ctx.
func dialVsock(ctx context.Context, e Endpoint) (net.Conn, error) {
	cid, port, err := vsockNumbers(e)
	if err != nil {
		return nil, err
	}
	type dialled struct {
		c   net.Conn
		err error
	}
	done := make(chan dialled, 1)
	go func() { // ends with the kernel's own connect limit
		c, err := vsock.Dial(cid, port, nil)
		if errors.Is(err, syscall.ECONNRESET) { // vsock's word for a port that nothing listens on
			err = syscall.ECONNREFUSED
		}
		if err != nil {
			done <- dialled{nil, err}
			return
		}
		done <- dialled{c, nil}
	}()
	select {
	case d := <-done:
		return d.c, d.err
	case <-ctx.Done():
		go func() { // ends with the dial
			if late := <-done; late.err == nil {
				_ = late.c.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

func vsockNumbers(e Endpoint) (cid, port uint32, err error) {
	p, err := strconv.ParseUint(e.Port, 10, 32)
	if err != nil || e.Host == "" {
		return vsock.Local, uint32(p), err
	}
	c, err := strconv.ParseUint(e.Host, 10, 32)
	return uint32(c), uint32(p), err
}
