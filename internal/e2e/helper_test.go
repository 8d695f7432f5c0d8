//go:build unix

package e2e

import (
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// The test binary is also a command for gcat -e, and a wrapper that changes the
// world a gcat starts in: with this variable set it does what that names instead
// of running tests.
const helperVariable = "GCAT_TEST_HELPER"

func init() {
	kind, argument, _ := strings.Cut(os.Getenv(helperVariable), ":")
	switch kind {
	case "":
		return
	case "ends":
		helpEnds(argument)
	case "limit":
		helpLimit(argument)
	case "nonblock":
		helpNonblock()
	}
	os.Exit(0)
}

// helpEnds makes the two standard streams the two halves of a connection to the
// Unix socket path, where the test sits, and passes each end of file on.
func helpEnds(path string) {
	c, err := net.Dial("unix", path)
	if err != nil {
		os.Exit(99)
	}
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(c, os.Stdin)
		_ = c.(*net.UnixConn).CloseWrite()
	})
	both.Go(func() {
		_, _ = io.Copy(os.Stdout, c)
		if syscall.Shutdown(1, syscall.SHUT_WR) == syscall.ENOTSOCK {
			_ = os.Stdout.Close()
		}
	})
	both.Wait()
}

// helpLimit runs its arguments with at most that many descriptors.
func helpLimit(limit string) {
	n, err := strconv.ParseUint(limit, 10, 32)
	if err != nil {
		os.Exit(98)
	}
	// The Go runtime would raise the soft limit again, so the hard one goes, too.
	var most syscall.Rlimit
	set(&most.Cur, n)
	set(&most.Max, n)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &most); err != nil {
		os.Exit(97)
	}
	become()
}

// set sets a limit, whose type differs between the systems.
func set[T int64 | uint64](limit *T, n uint64) { *limit = T(n) }

// helpNonblock runs its arguments with standard streams that do not block, as
// some callers leave them.
func helpNonblock() {
	for fd := range 3 {
		if err := syscall.SetNonblock(fd, true); err != nil {
			os.Exit(97)
		}
	}
	become()
}

// become turns this process into the command that its arguments are.
func become() {
	os.Unsetenv(helperVariable)
	_ = syscall.Exec(os.Args[1], os.Args[1:], os.Environ())
	os.Exit(96)
}

// helped makes cmd run under the helper of that kind.
func helped(t *testing.T, kind, argument string, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Args = append([]string{self, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = self
	cmd.Env = append(cmd.Environ(), helperVariable+"="+kind+":"+argument)
	return cmd
}
