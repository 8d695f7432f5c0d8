package e2e

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"debug/buildinfo"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"gcat/internal/testing/script"
)

// What the binaries are made of, in the order of go version -m. Who adds a
// module adds it here.
var madeOf = map[string][]string{
	"gcat": {
		"github.com/alecthomas/kong", "github.com/mdlayher/socket", "github.com/mdlayher/vsock", "golang.org/x/net",
		"golang.org/x/sync", "golang.org/x/sys", "golang.org/x/term", "golang.org/x/time",
	},
	"gecho": {
		"github.com/alecthomas/kong", "github.com/mdlayher/socket", "github.com/mdlayher/vsock", "golang.org/x/net",
		"golang.org/x/sync", "golang.org/x/sys", "golang.org/x/term", "golang.org/x/time",
	},
	"gpack": {"github.com/alecthomas/kong", "golang.org/x/sys", "golang.org/x/term"},
}

// The binaries tell what they are made of, and --version which toolchain made
// them.
func TestSupplyVersions(t *testing.T) {
	t.Parallel()
	for name, allowed := range madeOf {
		info, err := buildinfo.ReadFile(script.Path(name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Path != "gcat/cmd/"+name {
			t.Errorf("%s is %s", name, info.Path)
		}
		for _, dep := range info.Deps {
			if !slices.Contains(allowed, dep.Path) {
				t.Errorf("%s holds %s %s, which nobody has agreed to", name, dep.Path, dep.Version)
			}
		}
		out, err := exec.Command(script.Path(name), "--version").Output()
		if err != nil || !strings.HasPrefix(string(out), name+" ") || !strings.Contains(string(out), info.GoVersion) {
			t.Errorf("%s --version: %q, %v", name, out, err)
		}
	}
}

// buildStatic builds the commands as they are to be installed, from a directory.
func buildStatic(t *testing.T, from string, env ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	cmd := exec.Command("go", "build", "-trimpath", "-o", dir+"/", "./cmd/gcat", "./cmd/gecho", "./cmd/gpack")
	cmd.Dir = from
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// Built twice, in two directories, the binaries are the same to the byte; in the
// long run the second time with nothing in the cache.
func TestSupplyReproducible(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "another", "place")
	if err := os.MkdirAll(elsewhere, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"go.mod", "go.sum", "cmd", "internal", "man"} {
		if out, err := exec.Command("cp", "-R", filepath.Join(root, part), elsewhere).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	var env []string
	if os.Getenv(long) != "" {
		env = append(env, "GOCACHE="+t.TempDir())
	}
	here, there := buildStatic(t, root), buildStatic(t, elsewhere, env...)
	for name := range madeOf {
		a, err := os.ReadFile(filepath.Join(here, name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(there, name))
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs: %d and %d bytes, %v", name, len(a), len(b), err)
		}
		if bytes.Contains(a, []byte(root+"/")) {
			t.Errorf("%s tells where it was built", name)
		}
	}
}

// What a Go program opens before main: the size of huge pages, and how much
// processor its control group has.
const runtimeOpens = `^/sys/kernel/mm/transparent_hugepage/hpage_pmd_size$|^/proc/self/(cgroup|mountinfo)$|^/sys/fs/cgroup/`

// What the resolver opens, and only for names.
const resolverOpens = `^/etc/(resolv\.conf|hosts|nsswitch\.conf|services|host\.conf|mdns\.allow|gai\.conf)$`

// What a TLS client opens that is to verify its peer and was not told by whom
// (crypto/x509, root_linux.go): the first of the files, and all of the
// directories, as far as they are there.
const authorityOpens = `^/etc/ssl/(certs|ca-bundle\.pem$|cert\.pem$)|^/etc/pki/tls/(certs|cacert\.pem$)|^/etc/pki/ca-trust/extracted/pem/tls-ca-bundle\.pem$`

// What is opened to print a time of day as it is here (package time).
const zoneOpens = `^/etc/localtime$|^/etc/zoneinfo|^/usr/(share|lib|share/lib)/zoneinfo/`

var (
	traceOpen = regexp.MustCompile(`\b(?:open|openat|openat2|creat)\((?:AT_FDCWD, )?"([^"]*)"`)
	traceExec = regexp.MustCompile(`\bexecve(?:at)?\(`)
	traceFork = regexp.MustCompile(`\b(?:fork|vfork|clone3?)\(`)
	traceAddr = regexp.MustCompile(`\b(connect|bind)\(\d+, \{(.*?)\}, \d+`)
	traceSock = regexp.MustCompile(`\bsocket(?:pair)?\(([A-Z0-9_]+), (SOCK_[A-Z]+)`)
)

// No command opens a file, a socket or a process beyond what its command line
// asks for: everything that strace(1) sees is on the list.
func TestSupplyOpens(t *testing.T) {
	t.Parallel()
	trace := script.Peer(t, "strace")
	dir := buildStatic(t, filepath.Join("..", ".."))
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("\x00\x01"), 0o600); err != nil {
		t.Fatal(err)
	}
	hello := func(c halfConn) { _, _ = io.WriteString(c, "hello"); _ = c.CloseWrite(); readAll(c) }
	tcp, named, unixAt, run := serve(t, "tcp", hello), serve(t, "tcp", hello), serve(t, "unix", hello), serve(t, "tcp", hello)
	dumped, dump := serve(t, "tcp", hello), filepath.Join(t.TempDir(), "dump")
	m := newMint(t)
	cert, _, _ := m.issue("server", func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} })
	secret := func() []string { return serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}}, answer) }
	system, own, told, insecure, pinned := secret(), secret(), secret(), secret(), secret()
	pin := fmt.Sprintf("%x", sha256.Sum256(cert.Certificate[0]))
	stores := t.TempDir()
	inet := func(port string) string { return "AF_INET.*htons\\(" + port + "\\).*127.0.0.1" }
	for _, c := range []struct {
		name    string
		args    []string
		env     []string
		opens   string // beyond the runtime's
		needs   string // of that, what must have been opened, or the list is too long
		talks   string // what is connected or bound
		sockets string
		execs   int // beyond the command itself
		server  bool
		visit   bool // by a client, once
	}{
		{name: "gpack", args: []string{"gpack", "I", "5"}},
		{name: "gpack file", args: []string{"gpack", "-d", "H", file}, opens: "^" + file + "$"},
		{name: "help", args: []string{"gcat", "--help"}},
		{name: "usage", args: []string{"gcat", "--no-such-flag"}},
		{name: "gcat", args: append([]string{"gcat"}, tcp...), opens: "^/dev/null$", talks: inet(tcp[1]), sockets: "^AF_INET SOCK_STREAM$"},
		{name: "gcat name", args: []string{"gcat", "localhost", named[1]}, opens: "^/dev/null$|" + resolverOpens,
			talks: inet(named[1]) + "|AF_INET6.*htons\\(" + named[1] + "\\).*::1", sockets: "^AF_INET6? SOCK_STREAM$"},
		{name: "gcat -U", args: append([]string{"gcat"}, unixAt...), opens: "^/dev/null$", talks: regexp.QuoteMeta(unixAt[1]), sockets: "^AF_UNIX SOCK_STREAM$"},
		{name: "gcat -e", args: append([]string{"gcat", "-e", "exec /bin/cat"}, run...), talks: inet(run[1]), sockets: "^AF_INET SOCK_STREAM$",
			opens: `^/dev/null$|^/etc/ld\.so|^/lib|^/usr/lib|^/proc/\d+/|^/proc/self/|^/usr/share/locale|^/proc(/sys/kernel/.*)?$`, execs: 2},
		{name: "gcat -o", args: append([]string{"gcat", "-o", dump}, dumped...), opens: "^/dev/null$|^" + dump + "$|" + zoneOpens,
			talks: inet(dumped[1]), sockets: "^AF_INET SOCK_STREAM$"},
		{name: "gcat -c", args: append([]string{"gcat", "-c"}, system...), env: []string{"SSL_CERT_FILE=", "SSL_CERT_DIR="},
			opens: authorityOpens, needs: authorityOpens, talks: inet(system[1]), sockets: "^AF_INET SOCK_STREAM$"},
		{name: "gcat -c $SSL_CERT_FILE", args: append([]string{"gcat", "-c"}, own...), env: []string{"SSL_CERT_FILE=" + m.file, "SSL_CERT_DIR=" + stores},
			opens: "^/dev/null$|^" + m.file + "$|^" + stores + "$", needs: "^" + m.file + "$", talks: inet(own[1]), sockets: "^AF_INET SOCK_STREAM$"},
		{name: "gcat -c --tls-ca", args: append([]string{"gcat", "-c", "--tls-ca", m.file}, told...),
			opens: "^/dev/null$|^" + m.file + "$", needs: "^" + m.file + "$", talks: inet(told[1]), sockets: "^AF_INET SOCK_STREAM$"},
		{name: "gcat -c --tls-insecure", args: append([]string{"gcat", "-c", "--tls-insecure"}, insecure...),
			opens: "^/dev/null$", talks: inet(insecure[1]), sockets: "^AF_INET SOCK_STREAM$"},
		{name: "gcat -c --tls-fingerprint", args: append([]string{"gcat", "-c", "--tls-fingerprint", pin}, pinned...),
			opens: "^/dev/null$", talks: inet(pinned[1]), sockets: "^AF_INET SOCK_STREAM$"},
		{name: "gcat -lc", args: []string{"gcat", "-l", "-c", "-v", "127.0.0.1", "0"}, server: true, talks: inet("0"), sockets: "^AF_INET SOCK_STREAM$", opens: "^/proc/sys/net/core/somaxconn$"},
		{name: "gcat -l", args: []string{"gcat", "-l", "-v", "127.0.0.1", "0"}, server: true, talks: inet("0"), sockets: "^AF_INET SOCK_STREAM$", opens: "^/proc/sys/net/core/somaxconn$"},
		{name: "gecho", args: []string{"gecho", "-v", "127.0.0.1:0"}, server: true, talks: inet("0"), sockets: "^AF_INET SOCK_STREAM$", opens: "^/proc/sys/net/core/somaxconn$|^/dev/fd$"},
		{name: "gecho daytime", args: []string{"gecho", "--service", "daytime", "127.0.0.1:0"}, server: true, visit: true, talks: inet("0"),
			sockets: "^AF_INET SOCK_STREAM$", opens: "^/proc/sys/net/core/somaxconn$|^/dev/fd$|" + zoneOpens},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			log := filepath.Join(t.TempDir(), "trace")
			cmd := exec.Command(trace, append([]string{"-f", "-qq", "-s", "200", "-o", log, "-e", "trace=%file,%network,%process", filepath.Join(dir, c.args[0])}, c.args[1:]...)...)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			cmd.Env = append(cmd.Environ(), c.env...)
			p := launch(t, cmd)
			t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
			if c.server {
				said := p.err
				if c.args[0] == "gecho" {
					said = p.out
				}
				said.await(t, "127.0.0.1:")
				if c.visit {
					said.await(t, "\n")
					c := dialTest(t, "tcp", strings.TrimPrefix(strings.TrimSpace(said.String()), "tcp://"))
					_ = c.CloseWrite()
					if readAll(c) == "" {
						t.Error("it did not answer")
					}
				}
				_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
			}
			p.status()
			text, err := os.ReadFile(log)
			if err != nil || len(text) == 0 {
				t.Fatalf("no trace: %v", err)
			}
			opens := runtimeOpens
			if c.opens != "" {
				opens += "|" + c.opens
			}
			execs := -1 // its own
			needed := c.needs == ""
			for line := range strings.Lines(string(text)) {
				if m := traceOpen.FindStringSubmatch(line); m != nil {
					if !regexp.MustCompile(opens).MatchString(m[1]) {
						t.Errorf("it opened %q", m[1])
					}
					needed = needed || regexp.MustCompile(c.needs).MatchString(m[1])
				}
				if m := traceAddr.FindStringSubmatch(line); m != nil && (c.talks == "" || !regexp.MustCompile(c.talks).MatchString(m[2])) {
					t.Errorf("it called %s on %s", m[1], m[2])
				}
				if m := traceSock.FindStringSubmatch(line); m != nil && (c.sockets == "" || !regexp.MustCompile(c.sockets).MatchString(m[1]+" "+m[2])) {
					t.Errorf("it opened a socket %s %s", m[1], m[2])
				}
				if traceFork.MatchString(line) && !strings.Contains(line, "CLONE_THREAD") && !strings.Contains(line, "resumed>") && c.execs == 0 {
					t.Errorf("it started a process: %s", strings.TrimSpace(line))
				}
				if traceExec.MatchString(line) && !strings.Contains(line, " = -1 ") && !strings.Contains(line, "resumed>") {
					execs++
				}
			}
			if !needed {
				t.Errorf("it opened nothing that matches %q", c.needs)
			}
			if execs > c.execs {
				t.Errorf("%d programs were started, want at most %d", execs, c.execs)
			}
		})
	}
}
