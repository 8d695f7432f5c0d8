package echo

// room has no limit here.
func (s *Server) room(int) int { return 0 }

// receiveRaw reads from the socket.
func (c *connection) receiveRaw() (b *[]byte, n int, err error) {
	b = c.buffers.Get().(*[]byte)
	n, err = c.socket.Read(*b)
	return b, n, err
}
