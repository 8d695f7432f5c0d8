package conn

// A Cut returns the length of the first datagram in p, which holds datagrams one after
// the other and is not empty. A nil Cut takes all of p for one datagram.
type Cut func(p []byte) int

// sendAll sends all datagrams in p to the connected peer.
func (o *outbox) sendAll(p []byte, cut Cut) error {
	n, err := o.send(p, cut, nil)
	for err == nil && n < len(p) {
		p = p[n:]
		n, err = o.send(p, cut, nil)
	}
	return err
}

func (c Cut) first(p []byte) int {
	if c == nil || len(p) == 0 {
		return len(p)
	}
	return c(p)
}
