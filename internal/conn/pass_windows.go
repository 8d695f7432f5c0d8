package conn

import (
	"errors"
	"net"
)

var errNoPass = &Error{Why: Local, Op: "standard output", Err: errors.New("descriptors cannot be handed over on this system")}

// CanPass says that a descriptor cannot be handed over here.
func CanPass() error { return errNoPass }

// Pass cannot hand c over here.
func Pass(net.Conn) error { return errNoPass }
