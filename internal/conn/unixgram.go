package conn

import (
	"cmp"
	"context"
	"errors"
	"net"
	"os"
)

// connectUnixgram connects a Unix datagram socket that has an address of its own, so
// that it can be answered: LocalHost, which replaces a stale socket there, or one that
// the system chooses. Closing the connection removes the file, if there is one.
func (d *Dialer) connectUnixgram(ctx context.Context, e Endpoint) (net.Conn, error) {
	own := Endpoint{Network: e.Network, Path: cmp.Or(d.LocalHost, freePath())}
	p, err := ListenConfig{Socket: d.Socket}.ListenPacket(ctx, own)
	if failed, ok := errors.AsType[*Error](err); ok {
		return nil, &Error{Why: failed.Why, Op: "bind to " + own.Path, Err: failed.Err}
	}
	c := p.(*unixPacketConn)
	c.remote = &net.UnixAddr{Name: e.Path, Net: e.Network}
	if err := connectPath(c, e.Path); err != nil {
		_ = c.Close()
		return nil, os.NewSyscallError("connect", err)
	}
	return c, nil
}
