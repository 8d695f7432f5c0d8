package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"gcat/internal/testing/script"
	"gcat/internal/testing/wire"
)

// What each program is asked to do with one of ours, as a shell script on a host
// of its own, where port 7000 is free. A and B are files of some megabytes:
// A goes to gcat, B comes from it; over gecho B goes and comes. The script
// leaves what arrived in got.A and got.B and ends with our tool's status.
var interop = []struct {
	peer, program string
	served        string // the peer listens, gcat calls
	called        string // gcat listens, the peer calls
	echoed        string // gecho listens, the peer calls
}{
	{
		peer: "nc.openbsd", program: "nc.openbsd",
		served: `nc.openbsd -N -l 127.0.0.1 7000 <A >got.B & gcat $here <B >got.A; s=$?; wait $!`,
		called: `gcat_l; nc.openbsd -N $at <B >got.A; wait $pid; s=$?`,
		echoed: `gecho_1; nc.openbsd -N $at <B >got.B; wait $pid; s=$?`,
	},
	{
		// It never half-closes and takes our half-close for the end: each side must
		// know how much is to come.
		peer: "nc.traditional", program: "nc.traditional",
		served: `nc.traditional -l -p 7000 -s 127.0.0.1 -q 30 <A >got.B & gcat $here <B >got.A; s=$?; wait $!`,
		called: `gcat_late; (cat B; until_whole A) | nc.traditional -q 0 $at >got.A; wait $pid; s=$?`,
		echoed: `gecho_1; (cat B; until_whole B) | nc.traditional -q 0 $at >got.B; wait $pid; s=$?`,
	},
	{
		peer: "ncat", program: "ncat",
		served: `ncat -l 127.0.0.1 7000 <A >got.B & gcat $here <B >got.A; s=$?; wait $!`,
		called: `gcat_l; ncat $at <B >got.A; wait $pid; s=$?`,
		echoed: `gecho_1; ncat $at <B >got.B; wait $pid; s=$?`,
	},
	{
		peer: "ncat --ssl", program: "ncat",
		// It sends no close_notify, and gcat says so.
		called: `gcat_l -c; (cat B; until_whole A) | ncat --ssl $at >got.A; wait $pid; s=$?; [ $s != 5 ] || s=0`,
		// And it takes either side's end for that of both halves.
		served: `(cat A; until_whole B) | ncat --ssl -l 127.0.0.1 7000 >got.B & (cat B; until_whole A) | gcat -c --tls-insecure $here >got.A; s=$?; wait $!; [ $s != 5 ] || s=0`,
	},
	{
		peer: "socat", program: "socat",
		served: `socat -t30 - TCP-LISTEN:7000,bind=127.0.0.1,reuseaddr <A >got.B & gcat $here <B >got.A; s=$?; wait $!`,
		called: `gcat_l; socat -t30 - TCP:127.0.0.1:7000 <B >got.A; wait $pid; s=$?`,
		echoed: `gecho_1; socat -t30 - TCP:127.0.0.1:7000 <B >got.B; wait $pid; s=$?`,
	},
	{
		peer: "socat, Unix", program: "socat",
		served: `socat -t30 - UNIX-LISTEN:./sock <A >got.B & gcat --retry 30 ./sock <B >got.A; s=$?; wait $!`,
		called: `gcat -l --ready r ./sock <A >got.B & pid=$!; up r; socat -t30 - UNIX:./sock <B >got.A; wait $pid; s=$?`,
		echoed: `gecho --once ./sock >r & pid=$!; up r; socat -t30 - UNIX:./sock <B >got.B; wait $pid; s=$?`,
	},
	{
		// It takes our half-close for the end.
		peer: "busybox nc", program: "busybox",
		called: `gcat_late; busybox nc $at <B >got.A; wait $pid; s=$?`,
		echoed: `gecho_1; busybox nc $at <B >got.B; wait $pid; s=$?`,
	},
	{
		peer: "python3", program: "python3",
		served: `python3 -c "$both" serve <A >got.B & gcat $here <B >got.A; s=$?; wait $!`,
		called: `gcat_l; python3 -c "$both" call <B >got.A; wait $pid; s=$?`,
		echoed: `gecho_1; python3 -c "$both" call <B >got.B; wait $pid; s=$?`,
	},
	{
		peer: "openssl", program: "openssl",
		served: `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -out cert -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
			openssl s_server -quiet -WWW -accept 127.0.0.1:7000 -cert cert -key key 2>/dev/null & pid=$!
			printf 'GET /A HTTP/1.0\r\n\r\n' | gcat -c --tls-ca cert $here >reply; s=$?; kill $pid; body reply got.A`,
		// s_client takes our close_notify for the end of both halves.
		called: `gcat_late -c; openssl s_client -quiet -connect 127.0.0.1:7000 <B >got.A 2>/dev/null; wait $pid; s=$?`,
	},
	{
		peer: "curl", program: "curl",
		called: `(printf 'HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n' $(wc -c <A); cat A) >A.http; gcat -l --ready r 127.0.0.1 7000 <A.http >request & pid=$!; up r
			curl -sS -o got.A http://127.0.0.1:7000/; wait $pid; s=$?; grep -q '^GET / HTTP' request || s=99`,
	},
	{
		peer: "nginx", program: "nginx",
		served: `mkdir logs; chmod 755 .; printf 'pid p; error_log e; events {} http { access_log off; server { listen 127.0.0.1:7000; root %s; } }' "$PWD" >conf
			nginx -p "$PWD" -c "$PWD/conf" -e "$PWD/e" -g 'user root; daemon off; master_process off;' & pid=$!
			printf 'GET /A HTTP/1.0\r\n\r\n' | gcat $here >reply; s=$?; kill $pid; body reply got.A`,
	},
	{
		peer: "redis-server", program: "redis-server",
		served: `redis-server --port 7000 --bind 127.0.0.1 --save '' --dir "$PWD" >/dev/null & pid=$!
			(printf 'SET a %s\r\n' one; printf 'GET a\r\nQUIT\r\n') | gcat $here >reply; s=$?; kill $pid
			[ "$(tr -d '\r\n' <reply)" = '+OK$3one+OK' ] || s=99`,
	},
	{
		peer: "speaks first", program: "python3",
		served: `python3 -c "$smtp" >said & printf 'EHLO me\r\nQUIT\r\n' | gcat -C $here >reply; s=$?; wait $!
			[ "$(tr -d '\r' <reply | tr '\n' '|')" = '220 ready|250 hello|221 bye|' ] || s=99`,
	},
}

// interopPrelude is what the scripts share.
const interopPrelude = `
LC_ALL=C; here="--retry 30 127.0.0.1 7000"; at="127.0.0.1 7000"; : >got.A; : >got.B
up() { while ! [ -s "$1" ]; do sleep 0.02; done; }
gcat_l() { gcat -l "$@" --ready r $at <A >got.B & pid=$!; up r; }
until_whole() { while [ "$(wc -c <got.$1)" -lt "$(wc -c <$1)" ]; do sleep 0.02; done; }
gcat_late() { (cat A; until_whole B) | gcat -l "$@" --ready r $at >got.B & pid=$!; up r; }
gecho_1() { gecho --once 127.0.0.1:7000 >r & pid=$!; up r; }
body() { sed '1,/^\r*$/d' "$1" >"$2"; }
both='
import socket, sys, threading
if sys.argv[1] == "serve":
    c, _ = socket.create_server(("127.0.0.1", 7000)).accept()
else:
    c = socket.create_connection(("127.0.0.1", 7000))
def send():
    c.sendall(sys.stdin.buffer.read()); c.shutdown(socket.SHUT_WR)
t = threading.Thread(target=send); t.start()
while data := c.recv(65536): sys.stdout.buffer.write(data)
t.join()
'
smtp='
import socket
c, _ = socket.create_server(("127.0.0.1", 7000)).accept()
f = c.makefile("rwb", buffering=0)
f.write(b"220 ready\r\n")
for line in f:
    f.write(b"221 bye\r\n" if line == b"QUIT\r\n" else b"250 hello\r\n")
    if line == b"QUIT\r\n": break
'
`

// TestInterop has gcat and gecho talk to other programs, both ways, and prints
// the table of who does.
func TestInterop(t *testing.T) {
	marks := interopMarks{got: make(map[string]string)}
	t.Cleanup(func() { marks.report(t) })
	for _, row := range interop {
		for _, c := range []struct{ name, text, wants string }{
			{"calls", row.served, "A B"}, {"is called", row.called, "A B"}, {"echoes", row.echoed, "B"},
		} {
			if c.text == "" {
				continue
			}
			t.Run(row.peer+" "+c.name, func(t *testing.T) {
				t.Parallel()
				script.Peer(t, row.program)
				dir := t.TempDir()
				for name, from := range map[string]int{"A": 1, "B": 500_000} {
					if err := os.WriteFile(filepath.Join(dir, name), numbers(from), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				sh := exec.Command("sh", "-c", interopPrelude+c.text+"\nexit $s\n")
				sh.Dir = dir
				sh.Env = append(os.Environ(), "PATH="+filepath.Dir(script.Path("gcat"))+":"+os.Getenv("PATH")+":/usr/sbin")
				p := on(t, wire.NewHost(t), sh)
				if got := p.status(); got != 0 {
					t.Fatalf("status %d; it said %q", got, p.err)
				}
				for _, name := range strings.Fields(c.wants) {
					if !strings.Contains(c.text, "got."+name) && (name != "B" || !strings.Contains(c.text, "gcat_l")) {
						continue // it is not of that kind
					}
					got, err := os.ReadFile(filepath.Join(dir, "got."+name))
					want, _ := os.ReadFile(filepath.Join(dir, name))
					if err != nil || !bytes.Equal(got, want) {
						t.Fatalf("%s: %d bytes of %d arrived, %v; it said %q", name, len(got), len(want), err, p.err)
					}
				}
				marks.set(row.peer, c.name)
			})
		}
	}
}

// numbers is what seq(1) prints, from a number on.
func numbers(from int) []byte {
	var b []byte
	for i := range 200_000 {
		b = append(strconv.AppendInt(b, int64(from+i), 10), '\n')
	}
	return b
}

type interopMarks struct {
	mu  sync.Mutex
	got map[string]string
}

func (m *interopMarks) set(peer, what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got[peer+what] = "yes"
}

func (m *interopMarks) report(t *testing.T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-16s %-12s %-16s %s\n", "", "gcat calls", "gcat is called", "gecho is called")
	for _, row := range interop {
		cell := func(text, what string) string {
			switch {
			case text == "":
				return "."
			case m.got[row.peer+what] == "":
				return "NO"
			}
			return "yes"
		}
		fmt.Fprintf(&b, "%-16s %-12s %-16s %s\n", row.peer, cell(row.served, "calls"), cell(row.called, "is called"), cell(row.echoed, "echoes"))
	}
	t.Log(b.String())
}
