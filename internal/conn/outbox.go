package conn

// A Cut says how long the first of the datagrams is that stand in p one after the
// other; p is not empty. A nil Cut takes all of p for one.
type Cut func(p []byte) int

// sendAll sends all datagrams in p to whom the socket is connected to.
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
