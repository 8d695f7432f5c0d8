package command

import (
	"context"
	"errors"

	"gcat/internal/conn"
)

// Supported says that this system does not run commands: there is no sh(1), and
// no process group to end.
const Supported = false

// Run fails.
func (c *Command) Run(context.Context) conn.Result {
	return conn.Result{EndedBy: "local", Err: c.failure(errors.ErrUnsupported)}
}

// Kill does nothing: there are no commands.
func Kill() {}
