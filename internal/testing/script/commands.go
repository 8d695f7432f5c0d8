package script

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// condition answers [peer:PROGRAM]: is it installed? If it is not and [Require]
// is set, the script fails rather than skips.
func condition(cond string) (bool, error) {
	name, ok := strings.CutPrefix(cond, "peer:")
	if !ok {
		return false, fmt.Errorf("unknown condition %q", cond)
	}
	if _, err := exec.LookPath(name); err == nil {
		return true, nil
	}
	if os.Getenv(Require) != "" {
		return false, fmt.Errorf("%s is not installed", name)
	}
	return false, nil
}

// await FILE [TEXT]: wait until FILE is there and not empty, and holds TEXT.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: await FILE [TEXT]")
	}
	text := ""
	if len(args) == 2 {
		text = args[1]
	}
	path := ts.MkAbs(args[0])
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		data, err := os.ReadFile(path)
		if err == nil && len(data) > 0 && bytes.HasSuffix(data, []byte("\n")) && strings.Contains(string(data), text) {
			return
		}
	}
	ts.Fatalf("%s never came to hold %q", args[0], text)
}

// status N COMMAND [ARG...]: run the command and expect exactly that exit
// status (128+n if it died of signal n). Its output goes to the files stdout and
// stderr.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exitStatus(exit)
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("status %d, want %d; it said %q", got, want, ts.ReadFile("stderr"))
	}
}
