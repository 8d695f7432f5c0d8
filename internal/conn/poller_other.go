//go:build !linux

package conn

// StartPoller leaves that to the runtime here.
func StartPoller() error { return nil }
