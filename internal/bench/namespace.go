//go:build linux

package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// insideEnv names the directory with the binaries to a bench that runs
	// within the namespace.
	insideEnv      = "BENCH_INSIDE"
	congestionFile = "/proc/sys/net/ipv4/tcp_congestion_control"
)

// reexec runs this program again in a network namespace of its own, and reports
// whether that could be done. Where it cannot, the measurement goes on outside,
// under whatever congestion control is in force: one that paces (bbr) caps the
// loopback at a fraction of what the programs can do.
func (b *Bench) reexec(out io.Writer) (err error, entered bool) {
	cmd := exec.CommandContext(b.Context, "/proc/self/exe", os.Args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Env = append(os.Environ(), insideEnv+"="+b.Dir)
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	if cmd.Start() != nil {
		return nil, false
	}
	if cmd.Wait() != nil {
		return errSaid, true
	}
	return nil, true
}

// errSaid is a failure that has been told of.
var errSaid = errors.New("failed")

// namespaceNote furnishes the namespace, if this is one of our own, and says
// what was done.
func namespaceNote() string {
	if os.Getenv(insideEnv) == "" {
		return "the machine's own"
	}
	if err := loopbackUp(); err != nil {
		return "own, but its loopback stays down: " + err.Error()
	}
	if err := os.WriteFile(congestionFile, []byte("reno"), 0); err != nil {
		return "own, with the machine's congestion control"
	}
	return "own"
}

// loopbackUp brings lo up: it is down in a new namespace (netdevice(7)).
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}
