//go:build !linux

package conn

import (
	"context"
	"net"
	"syscall"
)

func listenVsock(Endpoint) (net.Listener, error) { return nil, syscall.EAFNOSUPPORT }

func dialVsock(context.Context, Endpoint) (net.Conn, error) { return nil, syscall.EAFNOSUPPORT }
