// Package script is what the tests of the three commands share: it builds the
// binaries once, runs txtar scripts with them on the PATH (testscript), and
// decides what happens when another program that a test needs is not installed.
// Only tests import it.
package script

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// Require, set to anything in the environment, turns the skip for a missing
// peer into a failure: where everything is installed, nothing may go untested.
const Require = "GCAT_REQUIRE_PEERS"

// Deadline bounds one script: a hang otherwise costs go test's ten minutes.
const Deadline = 2 * time.Minute

var dir string

// Main builds gcat, gecho and gpack and runs the tests of a package. It is what
// TestMain calls.
func Main(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	atOnce()
	// With the race detector each process would sleep a second when it ends.
	if raceEnabled && os.Getenv("GORACE") == "" {
		os.Setenv("GORACE", "atexit_sleep_ms=0")
	}
	if dir = os.Getenv("GCAT_BIN"); dir != "" {
		return m.Run() // they were built elsewhere
	}
	var err error
	if dir, err = os.MkdirTemp("", "gcat-bin"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"gcat", "gecho", "gpack"} {
		// One that does not build fails the tests that need it, and its own.
		if err := build(name, path(name)); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n", name, err)
		}
	}
	return m.Run()
}

// atOnce lets more tests run at once than there are processors, unless the
// command line says how many: they drive processes, and mostly wait for them.
func atOnce() {
	flag.Parse()
	const many = 8
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given && runtime.GOMAXPROCS(0) < many {
		_ = flag.Set("test.parallel", strconv.Itoa(many)) // it is a number
	}
}

// build builds one command to path, as the tests themselves were built.
func build(name, path string, flags ...string) error {
	args := append([]string{"build", "-o", path}, flags...)
	if raceEnabled {
		args = append(args, "-race")
	}
	if testing.CoverMode() != "" {
		args = append(args, "-cover")
	}
	cmd := exec.Command("go", append(args, "gcat/cmd/"+name)...)
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// readSources reads the directories of the sources while a test runs: go test then takes
// them for inputs of the test, and does not repeat a result of other binaries.
var readSources = sync.OnceFunc(func() {
	root, err := os.Getwd()
	for err == nil && filepath.Dir(root) != root {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		root = filepath.Dir(root)
	}
	for _, dir := range []string{"cmd", "internal", "man"} {
		_ = filepath.WalkDir(filepath.Join(root, dir), func(string, fs.DirEntry, error) error { return nil })
	}
})

// Path is where the binary called name is.
func Path(name string) string {
	readSources()
	return path(name)
}

func path(name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(dir, name)
}

// Peer returns the path of another program that the test needs. Without it the
// test is skipped, or fails if [Require] is set.
func Peer(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, name+" is not installed")
	}
	return path
}

// Missing skips a test for what this machine has not got, or fails it if
// [Require] is set.
func Missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv(Require) != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// Run runs the txtar scripts under testdata with the binaries on the PATH. It adds
// the commands "await FILE [TEXT]" and "status N COMMAND..." and the condition
// [peer:PROGRAM].
func Run(t *testing.T, pattern string) {
	t.Helper()
	readSources()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts match testdata/%s (%v)", pattern, err)
	}
	testscript.Run(t, testscript.Params{
		Files:    files,
		Deadline: time.Now().Add(Deadline),
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", dir+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("HOME", os.Getenv("HOME"))
			env.Setenv("GORACE", os.Getenv("GORACE"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"await":  await,
			"status": status,
		},
		Condition: condition,
	})
}
