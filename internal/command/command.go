// Package command makes a process one side of a conversation: the socket itself
// becomes its standard input and output ([Command.Serve]), or a relay copies
// between the socket and two pipes ([Command.Start]). The process
// finds the connection described in its environment, as UCSPI programs do
// (tcpserver(1), tcp-environ(5)).
package command

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"gcat/internal/conn"
)

// A Command is a line of sh(1) that serves one connection.
type Command struct {
	// Line is run by sh -c.
	Line string
	// Secret names an environment variable that the command does not get.
	Secret string
	// Conn is the connection, and Peer names its other side in errors.
	Conn net.Conn
	Peer string
	// Idle is how long no byte may move in either direction; 0 is no limit.
	Idle time.Duration
	// Counting is called by Serve with what counts the bytes; the function that
	// it returns is called before the connection is closed.
	Counting func(counts func() (sent, received int64)) (done func())
}

// prepare is the command, ready to be started.
func (c *Command) prepare(stdin, stdout *os.File) *exec.Cmd {
	cmd := exec.Command("/bin/sh", "-c", c.Line)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, os.Stderr
	cmd.Env = append(slices.DeleteFunc(os.Environ(), c.hides), ucspi(c.Conn)...)
	return cmd
}

// hides reports whether the command does not get a variable of ours: a secret,
// or what another UCSPI server said of another connection.
func (c *Command) hides(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	switch name {
	case c.Secret, "PROTO", "TCPREMOTEIP", "TCPREMOTEPORT", "TCPREMOTEHOST", "TCPREMOTEINFO",
		"TCPLOCALIP", "TCPLOCALPORT", "TCPLOCALHOST":
		return true
	}
	return false
}

// ucspi describes the connection as tcpserver(1) does in the environment of its
// programs. Addresses are not looked up.
func ucspi(c net.Conn) []string {
	local, ok := c.LocalAddr().(*net.TCPAddr)
	remote, both := c.RemoteAddr().(*net.TCPAddr)
	if !ok || !both {
		return []string{"PROTO=" + strings.ToUpper(strings.TrimRight(c.LocalAddr().Network(), "46"))}
	}
	ip := func(a *net.TCPAddr) string { return a.AddrPort().Addr().Unmap().String() }
	return []string{
		"PROTO=TCP",
		"TCPLOCALIP=" + ip(local), "TCPLOCALPORT=" + strconv.Itoa(local.Port),
		"TCPREMOTEIP=" + ip(remote), "TCPREMOTEPORT=" + strconv.Itoa(remote.Port),
	}
}

// failure says how the command ended, if not well.
func (c *Command) failure(err error) error {
	if err == nil {
		return nil
	}
	return &conn.Error{Why: conn.Local, Op: fmt.Sprintf("command %.200q", c.Line), Err: err}
}
