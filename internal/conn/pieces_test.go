package conn

import (
	"io"
	"testing"
)

// readEach returns what each read of s returns, with buffers of size bytes, and
// the error that ends it.
func readEach(t *testing.T, s io.Reader, size int) (got []string, err error) {
	t.Helper()
	buf := make([]byte, size)
	for {
		n, err := s.Read(buf)
		if n > 0 {
			got = append(got, string(buf[:n]))
		}
		if err != nil {
			return got, err
		}
		if len(got) > 1<<20 {
			t.Fatal("it never ends")
		}
	}
}
