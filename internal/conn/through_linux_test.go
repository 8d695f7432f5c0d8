package conn

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// noise is n bytes that do not repeat.
func noise(n int) []byte {
	p := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(p)
	return p
}

// What comes is in the file in its order, behind what stands there already:
// moved by the kernel, and copied where the file is opened for appending.
func TestThroughToFile(t *testing.T) {
	want := noise(5<<20 + 1)
	for _, network := range []string{"tcp", "unix"} {
		for _, flags := range []int{os.O_WRONLY, os.O_WRONLY | os.O_APPEND} {
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
			peer, socket := socketPair(t, network)
			stdio := &Stdio{In: out, Out: out}
			stdio.init()
			if w := stdio.inbound(socket); (w == nil) != (flags&os.O_APPEND != 0) {
				t.Errorf("flags %#x: way %v", flags, w)
			}
			go func() { // ends when all is read
				_, _ = peer.Write(want)
				_ = peer.CloseWrite()
			}()
			relay := &Relay{Local: stdio, Remote: socket, Socket: socket, Stdio: stdio, Peer: "peer", RecvOnly: true}
			if r := relay.Run(t.Context()); r.Err != nil || r.Received != int64(len(want)) {
				t.Errorf("%s, flags %#x: received %d: %v", network, flags, r.Received, r.Err)
			}
			got, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(got, append([]byte("before\n"), want...)) {
				t.Errorf("%s, flags %#x: %d bytes in the file: %v", network, flags, len(got), err)
			}
		}
	}
}

// One move takes the bytes from the socket to the file.
func TestThroughMoves(t *testing.T) {
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	peer, socket := socketPair(t, "tcp")
	w := (&Stdio{Out: out}).inbound(socket)
	defer w.close()
	want := noise(100_000)
	if _, err := peer.Write(want); err != nil {
		t.Fatal(err)
	}
	for moved := 0; moved < len(want); {
		s := w.move()
		if s.n <= 0 || s.from != nil || s.to != nil || w.broken {
			t.Fatalf("%+v", s)
		}
		moved += s.n
	}
	if got, err := os.ReadFile(out.Name()); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes in the file: %v", len(got), err)
	}
}

// A full file system is the output's failure.
func TestThroughToFullFile(t *testing.T) {
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
	w := (&Stdio{Out: out}).inbound(socket)
	defer w.close()
	if _, err := peer.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	s := w.move()
	if e, ok := errors.AsType[*Error](s.to); !ok || e.Why != Local || e.Op != "standard output" || s.from != nil {
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
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, out := range []*os.File{pipe, file, null} {
		peer, socket := socketPair(t, "tcp")
		w := (&Stdio{Out: out}).inbound(socket)
		if _, err := peer.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		if s := w.move(); s.n != 1000 {
			t.Fatalf("%s: %+v", out.Name(), s)
		}
		if err := socket.SetReadDeadline(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		if s := w.move(); s.n != 0 || s.from == nil {
			t.Errorf("%s: %+v", out.Name(), s)
		}
		w.close()
	}
}
