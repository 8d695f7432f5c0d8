//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSize holds the released binaries (linux/amd64, stripped) to a size. Most
// of what is resident of a running command, and much of what its start takes, is
// pages of its binary. The limits leave half a megabyte to a megabyte to grow in:
// none of them lets in net/http (2.2 MB), and gpack's no crypto/tls (2.4 MB).
func TestSize(t *testing.T) {
	for command, limit := range map[string]int64{
		"gcat":  9 << 20,       // the runtime, kong, net, crypto/tls, vsock, and the most code of its own
		"gecho": 8<<20 + 1<<19, // the same without proxies and terminals
		"gpack": 4<<20 + 3<<18, // the runtime and kong
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			binary := filepath.Join(t.TempDir(), command)
			build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "gcat/cmd/"+command)
			build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			st, err := os.Stat(binary)
			if err != nil {
				t.Fatal(err)
			}
			if st.Size() > limit {
				t.Errorf("%d bytes, want at most %d", st.Size(), limit)
			}
		})
	}
}

// TestStandsApart keeps what is measured out of bench, and sockets and TLS out
// of gpack.
func TestStandsApart(t *testing.T) {
	for _, c := range []struct {
		of        string
		forbidden []string
	}{
		{"gcat/internal/bench", []string{"gcat/internal/conn", "gcat/internal/cli", "gcat/internal/echo", "gcat/internal/pack"}},
		{"gcat/cmd/gpack", []string{"net", "crypto/tls"}},
	} {
		out, err := exec.Command("go", "list", "-deps", c.of).Output()
		if err != nil {
			t.Fatal(err)
		}
		deps := strings.Fields(string(out))
		for _, dep := range deps {
			for _, f := range c.forbidden {
				if dep == f {
					t.Errorf("%s links %s", c.of, f)
				}
			}
		}
		if len(deps) == 0 {
			t.Errorf("no dependencies of %s", c.of)
		}
	}
}
