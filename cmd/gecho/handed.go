package main

import (
	"errors"
	"os"
	"syscall"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/echo"
)

// inetd is the name of the endpoint of --inetd.
const inetd = "inetd"

// handedOver returns the sockets that were handed over by LISTEN_FDS.
func handedOver() (sockets []echo.Socket, err error) {
	handed, err := conn.HandedOver()
	for _, h := range handed {
		sockets = append(sockets, socketOf(h))
		if h.Conn != nil && neverConnected(h.Conn) {
			err = cli.Failf(cli.Local, "LISTEN_FDS: %s neither listens nor is connected", sockets[len(sockets)-1].Name)
		}
	}
	return sockets, err
}

func socketOf(h conn.Handed) echo.Socket {
	return echo.Socket{
		Listener: h.Listener, Packet: h.Packet, Conn: h.Conn,
		Name: conn.EndpointOf(h.Addr()).String(), Messages: h.Messages,
	}
}

// openInetd returns the socket that standard input is. If it is no socket, it
// returns a connection made of standard input and output.
func openInetd() (echo.Socket, error) {
	h, err := conn.SocketOf(os.Stdin)
	s := socketOf(h)
	if errors.Is(err, syscall.ENOTSOCK) {
		s, err = echo.Socket{Conn: newStdio()}, nil
	}
	if err != nil {
		return s, &conn.Error{Why: conn.Local, Op: "standard input", Err: err}
	}
	s.Name = inetd
	return s, nil
}
