package script

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// rooms says which packages each room may import beside the standard library:
// the arrows of the code base point one way.
var rooms = map[string][]string{
	"gcat/internal/cli":        {"github.com/alecthomas/kong", "golang.org/x/term"},
	"gcat/internal/conn":       {"gcat/internal/errno", "golang.org/x/net/ipv4", "golang.org/x/net/ipv6", "golang.org/x/sys/unix", "github.com/mdlayher/vsock"},
	"gcat/internal/broker":     {"gcat/internal/conn", "gcat/internal/tty"},
	"gcat/internal/command":    {"gcat/internal/conn", "golang.org/x/sys/unix"},
	"gcat/internal/filter":     {"gcat/internal/conn"},
	"gcat/internal/scan":       {"gcat/internal/conn"},
	"gcat/internal/tlsconn":    {"gcat/internal/conn", "gcat/internal/errno"},
	"gcat/internal/echo":       {"gcat/internal/conn", "gcat/internal/echo/epoll", "gcat/internal/filter", "gcat/internal/tlsconn", "golang.org/x/sys/unix"},
	"gcat/internal/echo/epoll": {"gcat/internal/conn", "golang.org/x/sys/unix"},
	"gcat/internal/proxy":      {"gcat/internal/conn"},
	"gcat/internal/errno":      {},
	"gcat/internal/pack":       {},
	"gcat/internal/tty":        {"golang.org/x/term", "golang.org/x/sys/unix"},
	"gcat/cmd/gcat": {"gcat/man", "gcat/internal/broker", "gcat/internal/cli", "gcat/internal/command", "gcat/internal/conn",
		"gcat/internal/filter", "gcat/internal/proxy", "gcat/internal/scan", "gcat/internal/tlsconn", "gcat/internal/tty",
		"golang.org/x/term", "golang.org/x/sys/unix"},
	"gcat/cmd/gecho": {"gcat/man", "gcat/internal/cli", "gcat/internal/conn", "gcat/internal/echo", "gcat/internal/tlsconn", "gcat/internal/tty",
		"golang.org/x/term", "golang.org/x/sys/unix"},
	"gcat/cmd/gpack": {"gcat/man", "gcat/internal/cli", "gcat/internal/errno", "gcat/internal/pack", "gcat/internal/tty",
		"golang.org/x/term", "golang.org/x/sys/unix"},
}

// forbidden are packages that a command must not link, however far down.
var forbidden = map[string][]string{
	"gcat/cmd/gpack":     {"net", "crypto/tls"},
	"gcat/internal/pack": {"net", "crypto/tls"},
	"gcat/cmd/gcat":      {"net/http", "testing"},
	"gcat/cmd/gecho":     {"net/http", "testing"},
}

func goList(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list %q: %v", args, err)
	}
	return strings.Fields(string(out))
}

func TestRooms(t *testing.T) {
	standard := goList(t, "std")
	for room, allowed := range rooms {
		for _, imported := range goList(t, "-f", `{{join .Imports " "}}`, room) {
			if !slices.Contains(standard, imported) && !slices.Contains(allowed, imported) {
				t.Errorf("%s imports %s", room, imported)
			}
		}
	}
}

func TestNotLinked(t *testing.T) {
	for room, packages := range forbidden {
		deps := goList(t, "-deps", room)
		for _, p := range packages {
			if slices.Contains(deps, p) {
				t.Errorf("%s links %s", room, p)
			}
		}
	}
}

// What is below internal and linked into a command ends the process only by
// cli.DieOf: a library that exits leaves sockets, terminals and files as they
// are.
func TestNoExit(t *testing.T) {
	for room := range rooms {
		if !strings.HasPrefix(room, "gcat/internal/") || room == "gcat/internal/cli" {
			continue
		}
		dir := goList(t, "-f", "{{.Dir}}", room)[0]
		out, err := exec.Command("grep", "-rnE", "--include=*.go", "--exclude=*_test.go", `os\.Exit|log\.Fatal`, dir).Output()
		if err == nil {
			t.Errorf("%s", out)
		}
	}
}
