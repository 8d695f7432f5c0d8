package command

import (
	"context"
	"errors"
	"os/exec"
	"syscall"

	"gcat/internal/conn"
)

// TakesSocket reports false: no process can be started on a socket here.
func (c *Command) TakesSocket() bool { return false }

// Serve fails; see TakesSocket.
func (c *Command) Serve(context.Context) conn.Result {
	return conn.Result{EndedBy: "local", Err: c.failure(errors.ErrUnsupported)}
}

func ownGroup(*exec.Cmd) {}

func reapGroup(int) {}

// signalGroup ends the command; there are no groups here.
func signalGroup(pid int, s syscall.Signal) { _ = endProcess(pid) }

func endProcess(pid int) error {
	h, err := syscall.OpenProcess(syscall.PROCESS_TERMINATE, false, uint32(pid))
	if err != nil {
		return err
	}
	defer syscall.CloseHandle(h)
	return syscall.TerminateProcess(h, 1)
}
