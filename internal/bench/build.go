//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// buildNote says how the binaries are built: as a release is. Without cgo the
// process starts a millisecond earlier, since nothing is linked dynamically.
const buildNote = "CGO_ENABLED=0 go build -trimpath -ldflags '-s -w', copied"

// Binary is where a command of this module has been built.
func (b *Bench) Binary(name string) string { return filepath.Join(b.Dir, name) }

// build builds a command of this module, and copies it as an installation does,
// which is how the peers came here, too. The linker writes its output through
// mmap(2), page by page, and in such small pieces it stays in the page cache: it
// starts slower by a fifth than its own copy. So does any program, the peers
// included, that was last read from the disk by being run.
func (b *Bench) build(name string) error {
	linked := b.Binary(name) + ".linked"
	defer os.Remove(linked)
	link := exec.CommandContext(b.Context, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", linked, "gcat/cmd/"+name)
	link.Env = append(os.Environ(), "CGO_ENABLED=0")
	for _, cmd := range []*exec.Cmd{link, exec.CommandContext(b.Context, "cp", linked, b.Binary(name))} {
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

// Conditions are what the figures depend on besides the programs.
type Conditions struct {
	Subject    string `json:"subject"`
	Build      string `json:"build"`
	Go         string `json:"go"`
	Kernel     string `json:"kernel"`
	CPUs       int    `json:"cpus"`
	Load       string `json:"load"`
	Namespace  string `json:"namespace"`
	Congestion string `json:"congestion"`
	Runs       int    `json:"runs"`
	Bytes      int64  `json:"bytes"`
}

func (b *Bench) conditions() Conditions {
	return Conditions{
		Subject:    b.subject.name,
		Build:      buildNote,
		Go:         runtime.Version(),
		Kernel:     word("/proc/sys/kernel/osrelease"),
		CPUs:       runtime.NumCPU(),
		Load:       word("/proc/loadavg"),
		Namespace:  namespaceNote(),
		Congestion: word(congestionFile),
		Runs:       b.Runs,
		Bytes:      b.Bytes,
	}
}

// word is the first word of a file of /proc.
func word(path string) string {
	data, err := os.ReadFile(path)
	if fields := strings.Fields(string(data)); err == nil && len(fields) > 0 {
		return fields[0]
	}
	return "unknown"
}
