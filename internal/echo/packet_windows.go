package echo

import "syscall"

// A queue holds the replies to a Unix peer; there are none here.
type queue struct{}

func (p *packets) sendUnix(syscall.RawConn) func([]byte, *origin) error { return nil }
