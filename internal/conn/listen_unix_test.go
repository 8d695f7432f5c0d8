//go:build unix

package conn

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// leaveStale leaves a socket file at path without a listener.
func leaveStale(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
}

// Of several listeners that find one stale socket exactly one gets the path, and
// it is the one that answers there.
func TestStaleOneWinner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for round := range 100 {
		leaveStale(t, path)
		const rivals = 4
		listeners, errs := make([]net.Listener, rivals), make([]error, rivals)
		var all sync.WaitGroup
		for i := range rivals {
			all.Go(func() {
				listeners[i], errs[i] = ListenConfig{}.Listen(t.Context(), Endpoint{Network: "unix", Path: path})
			})
		}
		all.Wait()
		winners := 0
		for _, err := range errs {
			if err == nil {
				winners++
			} else if e, ok := errors.AsType[*Error](err); !ok || e.Why != InUse {
				t.Errorf("round %d: %v", round, err)
			}
		}
		if winners != 1 {
			t.Fatalf("round %d: %d winners", round, winners)
		}
		for _, l := range listeners {
			if l != nil {
				_ = l.Close()
			}
		}
	}
}

// A listener waits for another one that is replacing the stale file.
func TestStaleLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	leaveStale(t, path)
	unlock := lockDirectory(filepath.Dir(path))
	failed := make(chan error, 1)
	go func() {
		l, err := ListenConfig{}.Listen(t.Context(), Endpoint{Network: "unix", Path: path})
		if err == nil {
			_ = l.Close()
		}
		failed <- err
	}()
	l, err := net.Listen("unix", path+"2")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.Rename(path+"2", path); err != nil {
		t.Fatal(err)
	}
	unlock()
	err = <-failed
	if e, ok := errors.AsType[*Error](err); !ok || e.Why != InUse {
		t.Errorf("the second listener: %v", err)
	}
}

// A listener whose file cannot get its mode is closed.
func TestListenModeFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := bindPath(Endpoint{Network: "unix", Path: path}, 0o600, func() (net.Listener, error) {
		l, err := net.Listen("unix", path)
		if err == nil {
			err = os.Remove(path)
		}
		return l, err
	})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// A second Close leaves alone what has the path by then, although a file system may have
// given it the inode of the file that the first Close removed.
func TestListenCloseTwice(t *testing.T) {
	for _, network := range []string{"unix", "unixgram"} {
		dir := t.TempDir()
		path, other := filepath.Join(dir, "s"), filepath.Join(dir, "other")
		var l io.Closer
		var err error
		if network == "unix" {
			l, err = ListenConfig{}.Listen(t.Context(), Endpoint{Network: network, Path: path})
		} else {
			l, err = ListenConfig{}.ListenPacket(t.Context(), Endpoint{Network: network, Path: path})
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Link(path, other); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if err := os.Rename(other, path); err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s: the second Close removed it: %v", network, err)
		}
	}
}
