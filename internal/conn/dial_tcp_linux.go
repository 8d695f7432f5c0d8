package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// dialTCP dials, and keeps what the peer has sent if its reset comes before the net
// package has seen that the connection is there: that package takes the reset for a
// failed connect(2), and closes the socket with all that has arrived.
func dialTCP(ctx context.Context, d *net.Dialer, to netip.AddrPort) (net.Conn, error) {
	kept := -1 // a second descriptor of the socket
	control := d.Control
	d.Control = func(network, address string, c syscall.RawConn) error { // once for each socket it tries
		_ = unix.Close(kept)
		_ = c.Control(func(fd uintptr) { kept, _ = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 3) })
		return control(network, address, c)
	}
	c, err := d.DialContext(ctx, "tcp", to.String())
	arrived := 0
	if errors.Is(err, syscall.ECONNRESET) {
		arrived, _ = unix.IoctlGetInt(kept, fionread)
	}
	if arrived == 0 {
		_ = unix.Close(kept)
		return c, err
	}
	f := os.NewFile(uintptr(kept), "")
	defer f.Close()
	if late, failed := net.FileConn(f); failed == nil {
		return lateReset{late, net.TCPAddrFromAddrPort(to)}, nil
	}
	return nil, err
}

// lateReset is a connection that its peer has reset, with what had arrived before. The
// error has been taken from the socket, which forgets its peer, too.
type lateReset struct {
	net.Conn
	peer net.Addr
}

func (c lateReset) RemoteAddr() net.Addr { return c.peer }

func (c lateReset) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF {
		err = syscall.ECONNRESET
	}
	return n, err
}

// Write fails without a try, which would say EPIPE: the error that names the cause is
// taken already.
func (c lateReset) Write([]byte) (int, error) { return 0, syscall.ECONNRESET }
