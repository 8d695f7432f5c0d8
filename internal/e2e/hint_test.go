package e2e

import (
	"io"
	"testing"
)

// A conversation whose peer has ended goes on while a silent pipe is standard
// input: -v says so, and nothing else does.
func TestWaitingHint(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-v"}, nil} {
		stdin, hold := pipe(t)
		p, c := listening(t, "tcp", stdin, args...)
		_, _ = io.WriteString(c, "all")
		_ = c.CloseWrite()
		p.out.awaitEOF(t)
		if args != nil {
			p.err.await(t, "gcat: hint: "+c.LocalAddr().String()+" has ended, and standard input has not: -d or </dev/null is no input, -Q 0 ends with the peer\n")
		}
		hold.Close()
		if got := p.status(); got != 0 {
			t.Errorf("status %d; it said %q", got, p.err)
		}
		if args == nil {
			p.says("")
		}
	}
}
