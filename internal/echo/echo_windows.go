package echo

import "syscall"

// open has nothing to prepare here.
func (a *acceptor) open() {}

// ready takes a slot; Accept then waits for a connection.
func (a *acceptor) ready() bool { return a.server.slots.take() }

// waiting cannot be known here: it is false.
func (a *acceptor) waiting() bool { return false }

// slotLimit is how many connections are served at once; 0 is no limit.
func (s *Server) slotLimit(int) int { return s.MaxConns }

// receiveRaw reads from the socket.
func (c *connection) receiveRaw() (b *[]byte, n int, err error) {
	b = c.borrow()
	n, err = c.socket.Read(*b)
	return b, n, err
}

// gone cannot be known here: it is false.
func (c *connection) gone() bool { return false }

func (p *packets) sendUnix(syscall.RawConn) func([]byte, *origin) error { return nil }
