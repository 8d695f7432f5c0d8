package echo

// open finds nothing to prepare.
func (a *acceptor) open() {}

// ready takes a place; Accept then waits for somebody to come.
func (a *acceptor) ready() bool { return a.server.gate.enter() }

// waiting cannot be told.
func (a *acceptor) waiting() bool { return false }

// places is how many connections are served at once; 0 is no limit.
func (s *Server) places(int) int { return s.MaxConns }
