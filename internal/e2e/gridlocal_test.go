//go:build unix

package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// A gridLocal is the local side of a grid's conversation: gcat's own standard
// streams, or those of the command that it was given by -e.
type gridLocal struct {
	stdin, stdout *os.File // gcat's ends of the pipes
	pipes         *pipeEnd
	l             net.Listener // where the command connects to the test
}

// local makes a local side, and returns the options that it takes.
func (k gridKind) local(t *testing.T) ([]string, *gridLocal) {
	t.Helper()
	if !k.exec {
		stdin, hold := pipe(t)
		read, stdout := pipe(t)
		return nil, &gridLocal{stdin: stdin, stdout: stdout, pipes: &pipeEnd{read, hold}}
	}
	path := filepath.Join(t.TempDir(), "ends")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	_ = l.(*net.UnixListener).SetDeadline(time.Now().Add(limit))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{"-e", helperVariable + "=ends:'" + path + "' exec '" + self + "'"}, &gridLocal{l: l}
}

// give hands gcat its ends of the pipes, which given takes from the test.
func (g *gridLocal) give(cmd *exec.Cmd) {
	if g.pipes != nil {
		cmd.Stdin, cmd.Stdout = g.stdin, g.stdout
	}
}

func (g *gridLocal) given() {
	if g.pipes != nil {
		g.stdin.Close()
		g.stdout.Close()
	}
}

// end is the test's end.
func (g *gridLocal) end(t *testing.T) gridEnd {
	t.Helper()
	if g.pipes != nil {
		return g.pipes
	}
	c, err := g.l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(limit))
	return c.(gridEnd)
}

// A pipeEnd is the test's ends of the two pipes that are gcat's standard streams.
type pipeEnd struct{ read, write *os.File }

func (p *pipeEnd) Read(b []byte) (int, error)  { return p.read.Read(b) }
func (p *pipeEnd) Write(b []byte) (int, error) { return p.write.Write(b) }
func (p *pipeEnd) CloseWrite() error           { return p.write.Close() }
