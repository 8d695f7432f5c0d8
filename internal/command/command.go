// Package command makes a process one side of a conversation: the socket itself
// becomes its standard input and output, or a relay copies between the socket and two
// pipes. The environment of the process describes the connection as UCSPI does
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
	// Line is the argument of sh -c.
	Line string
	// Secret names an environment variable that is hidden from the command.
	Secret string
	// Conn is the connection, and Peer names the peer in errors.
	Conn net.Conn
	Peer string
	// Idle is how long no byte may move in either direction; 0 is no limit.
	Idle time.Duration
	// Relayed says that the bytes must pass through Relay.
	Relayed bool
	// Relay runs a relay between the command and the connection. It is called if the
	// bytes must pass through it, or the command cannot have the socket: under TLS, or
	// with an idle limit where the kernel does not count bytes.
	Relay func(command, remote conn.Stream) conn.Result
	// Tally, which must be set, counts the conversation, unless Relay runs.
	Tally *conn.Tally
}

// prepare returns the command, ready to start. Hidden from it are the secret, and the
// variables in which a UCSPI server described another connection.
func (c *Command) prepare(stdin, stdout *os.File) *exec.Cmd {
	cmd := exec.Command("/bin/sh", "-c", c.Line)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, os.Stderr
	hidden := []string{c.Secret, "PROTO", "TCPREMOTEIP", "TCPREMOTEPORT", "TCPREMOTEHOST", "TCPREMOTEINFO",
		"TCPLOCALIP", "TCPLOCALPORT", "TCPLOCALHOST"}
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains(hidden, name)
	}), ucspi(c.Conn)...)
	return cmd
}

// ucspi returns the environment variables of tcpserver(1) that describe the
// connection. Addresses are not resolved to names.
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

// failure wraps the error with which the command ended; nil stays nil.
func (c *Command) failure(err error) error {
	if err == nil {
		return nil
	}
	return &conn.Error{Why: conn.Local, Op: fmt.Sprintf("command %.200q", c.Line), Err: err}
}
