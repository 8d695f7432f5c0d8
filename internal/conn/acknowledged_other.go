//go:build !linux

package conn

import "context"

// Unacknowledged cannot be known here: it is 0.
func (s *Socket) Unacknowledged() int64 { return 0 }

func (s *Socket) queued() int64 { return 0 }

// Acknowledged cannot be known here: it returns at once, with the error that is
// pending on the socket.
func (s *Socket) Acknowledged(ctx context.Context) error {
	return s.settled(ctx.Err())
}

// settled returns what went wrong on the socket.
func (s *Socket) settled(err error) error {
	if pending := s.pendingError(); pending != nil {
		return &Error{Why: NotDelivered, Err: pending}
	}
	return err
}

// alive is not known here.
func (s *Socket) alive() bool { return false }
