package tty

import (
	"context"
	"os"

	"golang.org/x/term"
)

// ReadPassword asks on the process's terminal, which need not be a standard stream. The
// echo is off from before the prompt until after the answer, or until ctx ends. stop is
// [Options.Stop]. It returns [ErrInterrupt] for ^C, io.EOF for ^D, and another
// error if the process has no terminal that it can use.
func ReadPassword(ctx context.Context, prompt string, stop func()) (string, error) {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	t, err := Open(f, f, Options{Raw: true, Stop: stop, Through: f})
	if err != nil {
		return "", err
	}
	defer t.leave()
	var password string
	answered := make(chan error, 1)
	go func() { // ends with the process if the user does not answer
		keys := &keys{Reader: t, Writer: t}
		var err error
		password, err = term.NewTerminal(keys, "").ReadPassword(prompt)
		answered <- keys.cause(err)
	}()
	select {
	case err = <-answered:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		_, _ = f.WriteString("\r\n")
		return "", err
	}
	return password, nil
}
