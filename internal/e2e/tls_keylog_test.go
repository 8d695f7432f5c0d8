package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gcat/internal/testing/script"
)

// secrets are the lines of a key log, sorted.
func secrets(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	lines = slices.DeleteFunc(lines, func(s string) bool {
		return strings.HasPrefix(s, "#") || strings.HasPrefix(s, "EXPORTER_SECRET")
	})
	slices.Sort(lines)
	return lines
}

// The key log has the same secrets as that of openssl at the other side.
func TestKeyLog(t *testing.T) {
	t.Parallel()
	openssl := script.Peer(t, "openssl")
	for _, version := range []string{"-tls1_3", "-tls1_2"} {
		for _, command := range []string{"gcat", "gecho"} {
			t.Run(command+version, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				ours, theirs := filepath.Join(dir, "ours"), filepath.Join(dir, "theirs")
				cmd := exec.Command(script.Path("gecho"), "-vc", "--once", "127.0.0.1:0")
				if command == "gcat" {
					cmd = gcatCmd("-lvc", "--ready", "/dev/stdout", "127.0.0.1", "0")
				}
				cmd.Env = append(os.Environ(), "SSLKEYLOGFILE="+ours)
				p := launch(t, cmd)
				p.out.await(t, "\n")
				at := strings.TrimPrefix(strings.TrimSpace(p.out.String()), "tls://")
				client := exec.Command(openssl, "s_client", "-connect", at, "-keylogfile", theirs, version)
				client.Stdin = input(t, "hello\n")
				if out, err := client.CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, out)
				}
				p.status()
				p.err.await(t, `warning: the keys of TLS are appended to "`+ours+`" (SSLKEYLOGFILE)`)
				if got, want := secrets(t, ours), secrets(t, theirs); !slices.Equal(got, want) || len(got) == 0 {
					t.Errorf("ours:\n%s\nopenssl's:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
				if info, err := os.Stat(ours); err != nil || info.Mode().Perm() != 0o600 {
					t.Error(info.Mode(), err)
				}
			})
		}
	}
}
