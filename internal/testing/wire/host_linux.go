package wire

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"gcat/internal/testing/script"
)

// A Host is a network name space, with mounts of its own.
type Host struct {
	// Addr is the host's address on the wire.
	Addr netip.Addr

	t    testing.TB
	work chan func()
	tun  *os.File
}

// NewHost makes a host with a loopback and no wire.
func NewHost(t testing.TB) *Host {
	t.Helper()
	h := &Host{t: t, work: make(chan func())}
	ready := make(chan error)
	go h.live(ready)
	if err := <-ready; err != nil {
		script.Missing(t, fmt.Sprintf("a network name space: %v", err))
	}
	t.Cleanup(func() { close(h.work) })
	return h
}

// live is the thread that is the host. It ends with the test, and takes the
// name spaces with it: it is never unlocked, so the runtime ends the thread.
func (h *Host) live(ready chan<- error) {
	runtime.LockOSThread()
	err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS)
	if err == nil {
		err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	}
	if err == nil {
		err = up("lo")
	}
	ready <- err
	if err != nil {
		return
	}
	for f := range h.work {
		f()
	}
}

// Do runs f on the host and waits for it. The sockets that f itself opens, and
// the processes that it starts, are the host's; goroutines that it starts are
// not.
func (h *Host) Do(f func()) {
	h.t.Helper()
	done := make(chan struct{})
	h.work <- func() {
		defer close(done)
		f()
	}
	<-done
}

// Sysctl sets a variable below /proc/sys/net.
func (h *Host) Sysctl(name, value string) {
	h.t.Helper()
	var err error
	h.Do(func() { err = os.WriteFile("/proc/sys/net/"+name, []byte(value), 0o644) })
	if err != nil {
		h.t.Fatal(err)
	}
}

// Replace lets processes of the host see the contents of file at path.
func (h *Host) Replace(path, file string) {
	h.t.Helper()
	var err error
	h.Do(func() { err = unix.Mount(file, path, "", unix.MS_BIND, "") })
	if err != nil {
		h.t.Fatalf("%s: %v", path, err)
	}
}

// Disk mounts a disk of that many bytes at dir, for processes of the host; they
// fill it soon.
func (h *Host) Disk(dir string, size int) {
	h.t.Helper()
	var err error
	h.Do(func() { err = unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)) })
	if err != nil {
		h.t.Fatalf("%s: %v", dir, err)
	}
}

// up is what ip link set NAME up does.
func up(name string) error {
	return withInterface(name, func(fd int, ifr *unix.Ifreq) error {
		if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, ifr); err != nil {
			return err
		}
		ifr.SetUint16(ifr.Uint16() | unix.IFF_UP)
		return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
	})
}

func withInterface(name string, f func(fd int, ifr *unix.Ifreq) error) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	return f(fd, ifr)
}

// plug gives the host its end of the wire: a TUN device with an address.
func (h *Host) plug(addr netip.Addr) (err error) {
	h.Addr = addr
	h.Do(func() {
		if h.tun, err = openTUN("wire0"); err != nil {
			return
		}
		err = withInterface("wire0", func(fd int, ifr *unix.Ifreq) error {
			if err := ifr.SetInet4Addr(addr.AsSlice()); err != nil {
				return err
			}
			if err := unix.IoctlIfreq(fd, unix.SIOCSIFADDR, ifr); err != nil {
				return err
			}
			if err := ifr.SetInet4Addr([]byte{255, 255, 255, 0}); err != nil {
				return err
			}
			return unix.IoctlIfreq(fd, unix.SIOCSIFNETMASK, ifr)
		})
		if err == nil {
			err = up("wire0")
		}
	})
	return err
}

// openTUN makes a TUN device (Documentation/networking/tuntap.rst): each read is
// a packet that the host sends, each write one that it receives.
func openTUN(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	ifr.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}
