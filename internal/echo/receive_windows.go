package echo

// receiveRaw reads from the socket.
func (c *connection) receiveRaw() (b *[]byte, n int, err error) {
	b = c.borrow()
	n, err = c.socket.Read(*b)
	return b, n, err
}

// gone cannot be known here before something is sent.
func (c *connection) gone() bool { return false }
