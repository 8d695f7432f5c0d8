package echo

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"gcat/internal/conn"
)

// eachPortable calls take for each datagram until ctx ends, with package net alone.
func (p *packets) eachPortable(ctx context.Context) {
	if p.send == nil {
		p.send = func(b []byte, to *origin) error {
			addr := to.peer
			if addr == nil {
				addr = net.UDPAddrFromAddrPort(to.addr)
			}
			_, err := p.socket.Packet.WriteTo(b, addr)
			return err
		}
	}
	buf := make([]byte, messageSize)
	for ctx.Err() == nil {
		n, from, err := p.socket.Packet.ReadFrom(buf)
		if err != nil {
			p.readFailed(ctx, err)
			continue
		}
		o := originOf(from)
		p.take(buf[:n], &o)
	}
}

// readFailed reports an error of receiving and waits 100 ms, so that a lasting error
// does not keep a processor busy.
func (p *packets) readFailed(ctx context.Context, err error) {
	if ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return
	}
	p.report(Event{Kind: Failed, Err: &conn.Error{Why: conn.Local, Op: "receive on " + p.socket.Name, Err: err}})
	select {
	case <-time.After(100 * time.Millisecond):
	case <-ctx.Done():
	}
}

// originOf is the origin with the address from; its destination is not known.
func originOf(from net.Addr) (o origin) {
	switch a := from.(type) {
	case nil: // one of a pair (socketpair(2)), which has no name
	case *net.UDPAddr:
		o.addr = a.AddrPort()
	case *net.UnixAddr:
		if a != nil && a.Name != "@" {
			o.name = a.Name
		}
	default: // of CAN
		o.name, o.peer = a.String(), a
	}
	return o
}
