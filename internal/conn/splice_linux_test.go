package conn

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fileOut is what TestToFile writes to.
func fileOut(t *testing.T, flags int) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(path, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := os.OpenFile(path, flags, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Seek(0, io.SeekEnd); err != nil {
		t.Fatal(err)
	}
	return out
}

// What comes is in the file in its order, behind what stands there already.
func TestToFile(t *testing.T) {
	want := noise(5<<20 + 1)
	for _, network := range []string{"tcp", "unix"} {
		for _, flags := range []int{os.O_WRONLY, os.O_WRONLY | os.O_APPEND} {
			out := fileOut(t, flags)
			peer, socket := socketPair(t, network)
			if aDirection(socket, &Stdio{Out: out}) == nil {
				t.Errorf("flags %#x: no path", flags)
			}
			go func() { // ends when all is read
				_, _ = peer.Write(want)
				_ = peer.CloseWrite()
			}()
			relay := &Relay{Local: &Stdio{In: out, Out: out}, Remote: socket, Peer: "peer", RecvOnly: true}
			if r := relay.Run(t.Context()); r.Err != nil || r.Received != int64(len(want)) {
				t.Errorf("%s, flags %#x: received %d: %v", network, flags, r.Received, r.Err)
			}
			got, err := os.ReadFile(out.Name())
			if err != nil || !bytes.Equal(got, append([]byte("before\n"), want...)) {
				t.Errorf("%s, flags %#x: %d bytes in the file: %v", network, flags, len(got), err)
			}
		}
	}
}

// aDirection is the kernel's path between two streams.
func aDirection(from, to Stream) *splicePath {
	c := newConversation(&Relay{Local: to, Remote: from, To: "to", Peer: "from"})
	return c.path(&c.receive)
}

// A full file system is the output's failure.
func TestToFullFile(t *testing.T) {
	fd, err := unix.MemfdCreate("full", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		t.Fatal(err)
	}
	out := os.NewFile(uintptr(fd), "full")
	defer out.Close()
	if _, err := unix.FcntlInt(out.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_GROW); err != nil {
		t.Fatal(err)
	}
	peer, socket := socketPair(t, "tcp")
	path := aDirection(socket, &Stdio{Out: out})
	defer path.close()
	if _, err := peer.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	s := path.step()
	if e, ok := errors.AsType[*Error](s.writeErr); !ok || e.Why != Local || e.Op != "standard output" || s.readErr != nil {
		t.Errorf("%+v", s)
	}
}

// A move that is interrupted moves nothing: not what the one before it did.
func TestInterruptedMoveIsNone(t *testing.T) {
	r, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer pipe.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	_, other := socketPair(t, "tcp")
	file := fileOut(t, os.O_WRONLY)
	defer file.Close()
	for name, out := range map[string]Stream{"pipe": &Stdio{Out: pipe}, "file": &Stdio{Out: file}, "null": &Stdio{Out: null}, "socket": other} {
		peer, socket := socketPair(t, "tcp")
		path := aDirection(socket, out)
		if _, err := peer.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		if s := path.step(); s.n != 1000 {
			t.Fatalf("%s: %+v", name, s)
		}
		if err := socket.SetReadDeadline(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		if s := path.step(); s.n != 0 || s.readErr == nil {
			t.Errorf("%s: %+v", name, s)
		}
		path.close()
	}
}
