package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"gcat/internal/testing/script"
)

// The tests here hold gcat against the programs of Python's socket tutorials, as
// a reader of those would use it.

// python runs a program whose first line of output is the port it listens on,
// and returns that and the rest of what it prints once it has ended.
func python(t *testing.T, program string, args ...string) (port string, rest func() string) {
	t.Helper()
	cmd := exec.Command(script.Peer(t, "python3"), append([]string{"-u", "-c", program}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	r := bufio.NewReader(out)
	line, err := r.ReadString('\n')
	if err != nil {
		t.Fatalf("no port from the python program: %v", err)
	}
	return strings.TrimSpace(line), func() string {
		text, _ := io.ReadAll(r)
		return string(text)
	}
}

const listenAnywhere = `
import socket, sys
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
print(s.getsockname()[1])
`

// A server that sends two lines, shuts its sending half down and reads on until
// end of file: both lines are printed AND everything on standard input arrives.
func TestTutorialHalfCloseServer(t *testing.T) {
	port, rest := python(t, listenAnywhere+`
c, _ = s.accept()
c.sendall(b"first\nsecond\n")
c.shutdown(socket.SHUT_WR)
data = b""
while chunk := c.recv(4096):
    data += chunk
print(len(data), data[-5:])
`)
	stdin, hold := pipe(t)
	p := start(t, stdin, "127.0.0.1", port)
	p.out.awaitEOF(t)
	for range 1000 {
		_, _ = fmt.Fprintln(hold, "a line that comes after the server's end of file")
	}
	_, _ = fmt.Fprint(hold, "last.")
	hold.Close()
	p.ends(0, "first\nsecond\n", "")
	if got, want := rest(), fmt.Sprintf("%d b'last.'\n", 1000*49+5); got != want {
		t.Errorf("the server got %q, want %q", got, want)
	}
}

// A client that reads the header of an HTTP reply line by line and half-closes;
// the same as a pipeline, against a real HTTP server.
func TestTutorialHTTPHeader(t *testing.T) {
	port, _ := python(t, `
import http.server, socketserver
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("X-Answer", "42")
        self.end_headers()
        self.wfile.write(b"body\n" * 100000)
    def log_message(self, *args):
        pass
with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
    print(server.server_address[1])
    server.serve_forever()
`)
	request := "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n"
	p := start(t, input(t, request), "127.0.0.1", port)
	if got := p.status(); got != 0 {
		t.Errorf("status %d; it said %q", got, p.err)
	}
	head, body, _ := strings.Cut(p.out.String(), "\r\n\r\n")
	if !strings.HasPrefix(head, "HTTP/1.0 200") || !strings.Contains(head, "X-Answer: 42") || len(body) != 500000 {
		t.Errorf("head %q, %d bytes of body", head, len(body))
	}
	// And line by line, leaving when the header is over.
	sh := exec.Command("bash", "-c", fmt.Sprintf(
		`printf %%b 'GET / HTTP/1.0\r\n\r\n' | %s 127.0.0.1 %s | sed '/^\r$/q' | grep -c .`, script.Path("gcat"), port))
	out, err := sh.Output()
	if err != nil || strings.TrimSpace(string(out)) == "0" {
		t.Errorf("the pipeline printed %q, %v", out, err)
	}
}

// The one-line chat that ends with "exit".
func TestTutorialChat(t *testing.T) {
	port, rest := python(t, listenAnywhere+`
c, _ = s.accept()
f = c.makefile("rw", newline="\n")
for line in f:
    if line.strip() == "exit":
        break
    f.write("you said " + line)
    f.flush()
f.close()
c.close()
print("bye")
`)
	stdin, hold := pipe(t)
	p := start(t, stdin, "-Q0", "127.0.0.1", port)
	for _, line := range []string{"hello", "are you there?"} {
		_, _ = fmt.Fprintln(hold, line)
		p.out.await(t, "you said "+line+"\n")
	}
	_, _ = fmt.Fprintln(hold, "exit")
	p.ends(0, "you said hello\nyou said are you there?\n", "")
	if got := rest(); got != "bye\n" {
		t.Errorf("the server said %q", got)
	}
}

// "Thank you for connecting" and close, to a gcat that listens for it and to one
// that asks.
func TestTutorialThankYou(t *testing.T) {
	port, _ := python(t, listenAnywhere+`
c, _ = s.accept()
c.send(b"Thank you for connecting")
c.close()
`)
	start(t, nil, "127.0.0.1", port).ends(0, "Thank you for connecting", "")

	p, c := listening(t, "tcp", input(t, "Thank you for connecting"))
	if got := readAll(c); got != "Thank you for connecting" {
		t.Errorf("the client got %q", got)
	}
	c.Close()
	p.ends(0, "", "")
}

// A server restarted at once on the same port after ^C.
func TestTutorialRestart(t *testing.T) {
	p, address := listener(t, "tcp", nil, "-k")
	host, port, _ := net.SplitHostPort(address)
	for range 3 {
		c := dialTest(t, "tcp", address)
		_, _ = io.WriteString(c, "hello")
		p.out.await(t, "hello")
		_ = p.cmd.Process.Signal(syscall.SIGINT) // the server closes first: its side is in TIME_WAIT
		if got := p.status(); got != 130 {
			t.Fatalf("status %d; it said %q", got, p.err)
		}
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := gcatCmd("-lk", "--ready", "/dev/fd/3", host, port)
		cmd.ExtraFiles = []*os.File{w}
		p = launch(t, cmd)
		w.Close()
		if line, _ := io.ReadAll(r); strings.TrimSpace(string(line)) != address {
			t.Fatalf("it listens on %q; it said %q", line, p.err)
		}
		r.Close()
	}
}

// connect_ex: the status and the words tell what Python's number tells.
func TestTutorialConnectEx(t *testing.T) {
	port, _ := python(t, `
import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])
import sys
sys.stdin.read()
`)
	start(t, nil, "127.0.0.1", port).ends(3, "", "connection refused")
	start(t, nil, "--log", "json", "127.0.0.1", port).ends(3, "", `"error":"refused"`)
}
