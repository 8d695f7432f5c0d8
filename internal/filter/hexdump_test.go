package filter

import (
	"gcat/internal/testing/script"

	"bytes"
	"errors"
	"io"
	"regexp"
	"syscall"
	"testing"
)

type dumpFile struct {
	bytes.Buffer
	err error
}

func (f *dumpFile) Write(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return f.Buffer.Write(p)
}

func (f *dumpFile) Close() error { return nil }

func TestDump(t *testing.T) {
	f := new(dumpFile)
	d := &Dumped{Stream: newPieces("a line of more than sixteen\n", "next"), Dump: &Dump{Name: "x", Out: f}, Peer: "127.0.0.1:7"}
	if _, err := io.WriteString(d, "hi\x00\xff\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := script.ReadEach(t, d, 100); err != io.EOF {
		t.Fatal(err)
	}
	if _, err := io.WriteString(d, "more"); err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}`).ReplaceAllString(f.String(), "TIME")
	want := `# TIME > 5 bytes to 127.0.0.1:7
> 00000000  68 69 00 ff 0a                                    |hi...|
# TIME < 28 bytes from 127.0.0.1:7
< 00000000  61 20 6c 69 6e 65 20 6f  66 20 6d 6f 72 65 20 74  |a line of more t|
< 00000010  68 61 6e 20 73 69 78 74  65 65 6e 0a              |han sixteen.|
# TIME < 4 bytes from 127.0.0.1:7
< 0000001c  6e 65 78 74                                       |next|
# TIME > 4 bytes to 127.0.0.1:7
> 00000005  6d 6f 72 65                                       |more|
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A full disk ends the dump and not the conversation.
func TestDumpFull(t *testing.T) {
	f := &dumpFile{err: syscall.ENOSPC}
	d := &Dumped{Stream: newPieces("x", "y"), Dump: &Dump{Name: "dump", Out: f}}
	if n, err := d.Read(make([]byte, 10)); n != 1 || err != nil {
		t.Error(n, err)
	}
	f.err = nil
	if _, err := d.Write([]byte("x")); err != nil || f.Len() > 0 {
		t.Error(err, f.String())
	}
	if err := d.Dump.Close(); !local(err) || !errors.Is(err, syscall.ENOSPC) {
		t.Error(err)
	}
}
