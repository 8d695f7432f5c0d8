package e2e

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"gcat/internal/testing/script"
)

// python runs a client in Python 3 against the server; HOST and PORT are set in
// it.
func (s *echoServer) python(program string) {
	s.t.Helper()
	host, port, _ := strings.Cut(s.address[0], ":")
	cmd := exec.Command(script.Peer(s.t, "python3"), "-c", "import socket, time\nHOST, PORT = '"+host+"', "+port+"\n"+program)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
}

// The echo server of five seconds, with one here: the answer has a suffix, and a
// client that is silent is closed.
func TestTutorialSuffix(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "-w", "1", "--suffix", `\nI get it!\n`, "0")
	s.python(`
s = socket.create_connection((HOST, PORT), timeout=30)
s.sendall(b'data')
got = b''
while len(got) < 15: got += s.recv(100)
assert got == b'data\nI get it!\n', got
began = time.monotonic()
assert s.recv(100) == b''
assert 0.9 < time.monotonic() - began, 'closed too early'
`)
	s.said("timed out: nothing moved for 1s")
}

// The server with `set time N` and a farewell. After the time-out the client
// sees an end of file, and its second write at the latest fails: no client goes on
// answering.
func TestTutorialSetTime(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "-w", "30", "--control", "--lines", "--reply", `{remote} received ok!\n`, "--farewell", `time out !\n`, "0")
	s.python(`
s = socket.create_connection((HOST, PORT), timeout=30)
f = s.makefile('rb')
me = b'%s:%d received ok!\n' % (s.getsockname()[0].encode(), s.getsockname()[1])
s.sendall(b'hello\n')
assert f.readline() == me
began = time.monotonic()
s.sendall(b'set time 1\n')
assert f.readline() == me
assert f.read() == b'time out !\n'
assert 0.9 < time.monotonic() - began < 20
s.sendall(b'anybody\n')
time.sleep(0.2)
try:
    s.sendall(b'there?\n')
except (BrokenPipeError, ConnectionResetError):
    pass
else:
    raise SystemExit('the second write after the end succeeded')
`)
}

// The chat that ends with exit.
func TestTutorialExit(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "--once", "--control", "--greeting", `welcome\n`, "0")
	s.python(`
s = socket.create_connection((HOST, PORT), timeout=30)
f = s.makefile('rwb')
assert f.readline() == b'welcome\n'
s.sendall(b'how are you\n')
assert f.readline() == b'how are you\n'
s.sendall(b'set tim 5\n')
assert f.readline().startswith(b'error: bad control line "set tim 5"')
s.sendall(b'exit\n')
assert f.readline() == b''
`)
	if got := s.status(); got != 0 {
		t.Errorf("status %d", got)
	}
}

// socketserver's handle_request: one connection, a word of thanks, the end. A
// server on the same port starts at once (SO_REUSEADDR).
func TestTutorialHandleRequest(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "--once", "--greeting", `thank you for connecting`, "--close-after", "24", "0")
	client := `
s = socket.create_connection((HOST, PORT), timeout=30)
got = b''
while True:
    d = s.recv(100)
    if not d: break
    got += d
assert got == b'thank you for connecting', got
`
	s.python(client)
	if got := s.status(); got != 0 {
		t.Errorf("status %d", got)
	}
	again := gecho(t, 1, s.address[0])
	again.python(`
s = socket.create_connection((HOST, PORT), timeout=30)
s.sendall(b'x')
assert s.recv(1) == b'x'
`)
	if got := again.end(syscall.SIGINT); got != 0 {
		t.Errorf("status %d", got)
	}
	gecho(t, 1, s.address[0])
}

// A time too short to be counted is as short as can be, and not none.
func TestTutorialSetTiny(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "--once", "--control", "0")
	s.python(`
s = socket.create_connection((HOST, PORT), timeout=30)
f = s.makefile('rwb')
s.sendall(b'set time 0.0000000001\n')
assert f.read() in (b'', b'set time 0.0000000001\n')
`)
	if got := s.status(); got != 0 {
		t.Errorf("status %d", got)
	}
}
