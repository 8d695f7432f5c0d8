package conn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// A ListenConfig binds and listens. Its zero value is a listener as the system
// makes it, with Unix socket files of mode 0600.
type ListenConfig struct {
	// Backlog is listen(2)'s queue; 0 is the system's limit.
	Backlog int
	// Mode is the mode of a Unix socket's file; 0 means 0600.
	Mode fs.FileMode
	// Socket holds the options set before the socket is bound.
	Socket SocketOptions
	// Resolver looks names up.
	Resolver Resolver
	// Handed, if not zero, is a socket that listens already, in place of one at the
	// endpoint.
	Handed Handed
}

// Listen binds a stream (or unixpacket) socket to e and listens on it. Closing
// the listener removes the socket file that it made.
func (lc ListenConfig) Listen(ctx context.Context, e Endpoint) (net.Listener, error) {
	if lc.Handed.Listener != nil {
		return lc.Handed.Listener, nil
	}
	if e.Network == "vsock" {
		l, err := listenVsock(e)
		return l, listenError(e, err)
	}
	var l net.Listener
	err := lc.bind(ctx, e, func(config *net.ListenConfig, address string) (_ io.Closer, err error) {
		l, err = config.Listen(ctx, e.netNetwork(), address)
		return l, err
	})
	if err != nil {
		return nil, listenError(e, err)
	}
	if lc.Backlog > 0 {
		if err := setBacklog(l, lc.Backlog); err != nil {
			_ = l.Close()
			return nil, listenError(e, err)
		}
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // the file of that name may be another socket's by then
		return &unixListener{UnixListener: u, file: e.socketFile()}, nil
	}
	return l, nil
}

// ListenPacket binds a datagram socket to e. Closing it removes the socket file
// that it made. If e is a multicast group, the socket is bound to its port alone,
// which others may share, and is a member of the group.
func (lc ListenConfig) ListenPacket(ctx context.Context, e Endpoint) (net.PacketConn, error) {
	if e.CAN() {
		c, err := openCAN(e, "", lc.Socket, true)
		if err != nil {
			return nil, listenError(e, err)
		}
		return c, nil
	}
	switch p := lc.Handed.Packet.(type) {
	case nil:
	case *net.UnixConn:
		return &unixPacketConn{UnixConn: p}, nil
	case *net.UDPConn:
		return p, nil
	default:
		return nil, listenError(e, syscall.EAFNOSUPPORT)
	}
	var p net.PacketConn
	err := lc.bind(ctx, e, func(config *net.ListenConfig, address string) (_ io.Closer, err error) {
		if p, err = config.ListenPacket(ctx, e.netNetwork(), address); err != nil {
			return nil, err
		}
		if a, bad := netip.ParseAddrPort(address); bad == nil && a.Addr().Unmap().IsMulticast() {
			if err = join(p.(*net.UDPConn), a.Addr().Unmap(), lc.Socket.Interface); err != nil {
				_ = p.Close()
			}
		}
		return p, err
	})
	if err != nil {
		return nil, listenError(e, err)
	}
	if u, ok := p.(*net.UnixConn); ok {
		return &unixPacketConn{UnixConn: u, file: e.socketFile()}, nil
	}
	return p, nil
}

// bind calls listen, which returns a socket, with e's address. A stale Unix socket file
// there is removed, and listen is called once more. The new file gets lc's mode.
func (lc ListenConfig) bind(ctx context.Context, e Endpoint, listen func(*net.ListenConfig, string) (io.Closer, error)) error {
	config := &net.ListenConfig{KeepAliveConfig: lc.Socket.keepAlive(), KeepAlive: -1}
	config.SetMultipathTCP(lc.Socket.MPTCP)
	mode := cmp.Or(lc.Mode, 0o600)
	config.Control = func(network, address string, c syscall.RawConn) error {
		if e.Unix() && !e.Abstract() {
			setMode(c, mode)
		}
		return lc.Socket.control(network, address, c)
	}
	if !e.Unix() {
		address, ip, err := lc.address(ctx, e)
		if err != nil {
			return err
		}
		if _, err = listen(config, address); errors.Is(err, syscall.EINVAL) {
			err = cmp.Or(badZone(ip), err)
		}
		return err
	}
	if err := checkSocketPath(e.Path); err != nil {
		return err
	}
	restore := maskMode(mode)
	socket, err := listen(config, e.Path)
	if errors.Is(err, syscall.EADDRINUSE) && !e.Abstract() {
		// Without the lock, another listener that found the same stale file could
		// remove the socket that this one has just bound.
		unlock := lockDirectory(filepath.Dir(e.Path))
		if err = removeStale(e); err == nil {
			socket, err = listen(config, e.Path)
		}
		unlock()
	}
	restore()
	if err != nil || e.Abstract() || e.Path == "" {
		return err
	}
	if err = os.Chmod(e.Path, mode); err != nil { // needed where the umask has cleared bits of mode
		_ = socket.Close()
		_ = removeStale(e)
	}
	return err
}

// address is the numeric address to listen on for e; ip is not valid if e means all
// addresses. Of a name's addresses it is the first of IPv4, else the first.
func (lc ListenConfig) address(ctx context.Context, e Endpoint) (address string, ip netip.Addr, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, lookupMost, &Error{Why: Timeout, Err: fmt.Errorf("name lookup timed out after %v", lookupMost)})
	defer cancel()
	defer func() {
		if cause, ok := errors.AsType[*Error](context.Cause(ctx)); ok && err != nil {
			err = cause
		}
	}()
	port, err := lc.Resolver.Port(ctx, e)
	if err != nil {
		return "", ip, err
	}
	number := strconv.Itoa(int(port))
	if e.Host == "" {
		return ":" + number, ip, nil
	}
	ips, err := lc.Resolver.ips(ctx, e)
	if err != nil {
		return "", ip, err
	}
	ip = ips[max(slices.IndexFunc(ips, netip.Addr.Is4), 0)]
	return net.JoinHostPort(ip.String(), number), ip, nil
}

// removeStale removes the socket file at e's path if no socket is bound to it. A live
// socket, and a file that is no socket, stay.
func removeStale(e Endpoint) error {
	info, err := os.Lstat(e.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // its owner has removed it meanwhile
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return &Error{Why: NotASocket, Err: errors.New("the file exists and is not a socket")}
	}
	// The check uses a datagram socket, which no listener accepts as its peer. Live
	// sockets of other types return EPROTOTYPE.
	c, err := net.Dial("unixgram", e.Path)
	if err == nil {
		_ = c.Close()
		return syscall.EADDRINUSE
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return syscall.EADDRINUSE // it is live, or not ours to touch
	}
	return os.Remove(e.Path)
}

// netNetwork is e's network as the net package calls it.
func (e Endpoint) netNetwork() string {
	if e.Network == "tls" {
		return "tcp"
	}
	return e.Network
}

func listenError(e Endpoint, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Why: ConnectKind(err), Op: "listen on " + e.String(), Err: err}
}

// checkSocketPath refuses abstract names where there are none, and a path that does not
// fit in sockaddr_un (unix(7)). An abstract name has no NUL at its end.
func checkSocketPath(path string) error {
	most := maxPath
	if strings.HasPrefix(path, "@") {
		if !abstractNames {
			return &Error{Why: Unsupported, Err: fmt.Errorf("%s has no abstract Unix sockets", runtime.GOOS)}
		}
		most++
	}
	if len(path) > most {
		return &Error{Why: BadAddress, Err: fmt.Errorf("the path is %d bytes long; a Unix socket's has at most %d", len(path), most)}
	}
	return nil
}

// A socketFile is the file that a bound Unix socket made; it is removed only
// while it is still that file.
type socketFile struct {
	path string
	info fs.FileInfo
}

func (e Endpoint) socketFile() socketFile {
	if e.Abstract() {
		return socketFile{}
	}
	info, _ := os.Lstat(e.Path) // nil: remove does nothing
	return socketFile{e.Path, info}
}

func (f socketFile) remove() {
	if f.info == nil {
		return
	}
	if now, err := os.Lstat(f.path); err == nil && os.SameFile(now, f.info) {
		_ = os.Remove(f.path) // a directory that we may no longer write to
	}
}

type unixListener struct {
	*net.UnixListener
	file socketFile
}

func (l *unixListener) Close() error {
	l.file.remove()
	return l.UnixListener.Close()
}

// A unixPacketConn is a datagram socket; remote is its peer, if it was connected.
type unixPacketConn struct {
	*net.UnixConn
	file   socketFile
	remote net.Addr
}

func (c *unixPacketConn) RemoteAddr() net.Addr { return c.remote }

func (c *unixPacketConn) Close() error {
	c.file.remove()
	return c.UnixConn.Close()
}
