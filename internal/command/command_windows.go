package command

import (
	"context"
	"errors"

	"gcat/internal/conn"
)

// Supported says that this system does not run commands: there is no sh(1), and
// no process group to end.
const Supported = false

// A Stream is a command as the local side of a relay.
type Stream struct{ conn.Stream }

// TakesSocket reports false.
func (c *Command) TakesSocket() bool { return false }

// Serve fails.
func (c *Command) Serve(context.Context) conn.Result {
	return conn.Result{EndedBy: "local", Err: c.failure(errors.ErrUnsupported)}
}

// Start fails.
func (c *Command) Start(context.Context, conn.Stream) (*Stream, error) {
	return nil, c.failure(errors.ErrUnsupported)
}

// End returns err.
func (s *Stream) End(err error) error { return err }

// Kill does nothing: there are no commands.
func Kill() {}
