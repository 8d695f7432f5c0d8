package echo

// open has nothing to prepare here.
func (a *acceptor) open() {}

// ready takes a slot; Accept then waits for a connection.
func (a *acceptor) ready() bool { return a.server.slots.take(a.secure()) }

// waiting cannot be known here: it is false.
func (a *acceptor) waiting() bool { return false }

// room has no limit here.
func (s *Server) room(int) int { return 0 }

// receiveRaw reads from the socket.
func (c *connection) receiveRaw() (b *[]byte, n int, err error) {
	b = c.buffers.Get().(*[]byte)
	n, err = c.socket.Read(*b)
	return b, n, err
}

// gone cannot be known here: it is false.
func (c *connection) gone() bool { return false }
