package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// connectUnixgram connects a Unix datagram socket that has an address of its
// own: LocalPath, which replaces a stale socket there, or one that the system
// chooses. Closing the connection removes the file, if there is one.
func (d *Dialer) connectUnixgram(ctx context.Context, e Endpoint) (net.Conn, error) {
	dialer := d.dialer()
	own := ""
	if d.LocalPath == "" {
		control := dialer.Control
		dialer.Control = func(network, address string, c syscall.RawConn) (err error) {
			if own, err = bindAnywhere(c); err != nil {
				return err
			}
			return control(network, address, c)
		}
		c, err := dialer.DialContext(ctx, e.Network, e.Path)
		file := Endpoint{Path: own}.socketFile()
		if err != nil {
			file.remove()
			return nil, err
		}
		return &unixPacketConn{UnixConn: c.(*net.UnixConn), file: file}, nil
	}
	local := Endpoint{Network: e.Network, Path: d.LocalPath}
	dialer.LocalAddr = &net.UnixAddr{Name: d.LocalPath, Net: e.Network}
	var c net.Conn
	bound, ours := false, true // ours: what fails is the bind, not the connect
	err := ListenConfig{Socket: d.Socket}.bind(ctx, local, func(config *net.ListenConfig, _ string) (_ io.Closer, err error) {
		dialer.Control = config.Control
		_, before := os.Lstat(d.LocalPath)
		c, err = dialer.DialContext(ctx, e.Network, e.Path)
		_, after := os.Lstat(d.LocalPath)
		bound = before != nil && after == nil
		call, ok := errors.AsType[*os.SyscallError](err)
		ours = err == nil || ok && call.Syscall == "bind"
		return c, err
	})
	if err != nil {
		if bound {
			_ = os.Remove(d.LocalPath)
		}
		if ours {
			return nil, &Error{Why: ConnectKind(err), Op: "bind to " + d.LocalPath, Err: err}
		}
		return nil, err
	}
	return &unixPacketConn{UnixConn: c.(*net.UnixConn), file: local.socketFile()}, nil
}
