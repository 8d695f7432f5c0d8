package echo

// open finds nothing to prepare.
func (a *acceptor) open() {}

// ready takes a slot; Accept then waits for a connection.
func (a *acceptor) ready() bool { return a.server.slots.take() }

// waiting cannot be told.
func (a *acceptor) waiting() bool { return false }

// slotLimit is how many connections are served at once; 0 is no limit.
func (s *Server) slotLimit(int) int { return s.MaxConns }
