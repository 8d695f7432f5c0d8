package echo

import "syscall"

func (p *packets) sendUnix(syscall.RawConn) func([]byte, *origin) error { return nil }
