//go:build !linux

package conn

import "context"

// Unacknowledged cannot be known here: it is 0.
func (s *Socket) Unacknowledged() int64 { return 0 }

func (s *Socket) queued() int64 { return 0 }

// Acknowledged cannot be known here: it returns at once, with the error that is
// pending on the socket.
func (s *Socket) Acknowledged(ctx context.Context) error {
	if err := s.pendingError(); err != nil {
		return &Error{Why: NotDelivered, Err: err}
	}
	return ctx.Err()
}
