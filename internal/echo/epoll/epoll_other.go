//go:build !linux

package epoll

import (
	"net"
	"syscall"
)

// A Group does not exist here.
type Group struct{}

// A Conn does not exist here.
type Conn struct {
	Number int64
	Owner  any
}

// Start returns nil.
func Start(Config) *Group { return nil }

func (*Group) Prepare(syscall.RawConn)               {}
func (*Group) Accept(syscall.RawConn) (*Conn, error) { return nil, nil }
func (*Group) Add(*Conn) error                       { return nil }
func (*Group) EndAll() int                           { return 0 }
func (*Group) Stop()                                 {}

func (*Conn) Close()           {}
func (*Conn) Remote() net.Addr { return nil }
func (*Conn) Local() net.Addr  { return nil }
