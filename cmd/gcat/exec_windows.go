package main

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"syscall"

	"gcat/internal/conn"
)

// canHandOver says that a process can be started on a socket.
const canHandOver, canCount = false, false

func (g *gcat) handOver(context.Context, *exec.Cmd, net.Conn, conn.Endpoint) error {
	return errors.ErrUnsupported
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
