//go:build !linux

package echo

import (
	"context"
	"net"
	"syscall"
)

type rawOrigin struct{}

func (p *packets) each(ctx context.Context) {
	if u, ok := p.socket.Packet.(syscall.Conn); ok {
		if _, udp := p.socket.Packet.(*net.UDPConn); !udp {
			if raw, err := u.SyscallConn(); err == nil {
				p.send = p.sendUnix(raw)
			}
		}
	}
	p.eachPortable(ctx)
}
