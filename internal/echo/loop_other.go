//go:build !linux

package echo

// A loop serves plain connections where there is epoll(7); elsewhere each has
// its goroutine.
type loop struct{}

func (s *Server) startLoops([]Socket) {}
func (s *Server) stopLoops()          {}
func (l *loop) endAll() int           { return 0 }
func (s Socket) loopable() bool       { return false }
func (a *acceptor) prepare()          {}
func (a *acceptor) acceptRaw() error  { return nil }
