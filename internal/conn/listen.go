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
	"strings"
	"sync"
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
		return l, listenError(e, netip.Addr{}, err)
	}
	l, at, err := bind(ctx, lc, e, (*net.ListenConfig).Listen)
	if err == nil && lc.Backlog > 0 {
		if err = setBacklog(l, lc.Backlog); err != nil {
			_ = l.Close()
		}
	}
	if err != nil {
		return nil, listenError(e, at, err)
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
func (lc ListenConfig) ListenPacket(ctx context.Context, e Endpoint) (net.Conn, error) {
	if e.CAN() {
		c, err := openCAN(e, "", lc.Socket, true)
		if err != nil {
			return nil, listenError(e, netip.Addr{}, err)
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
		return nil, listenError(e, netip.Addr{}, syscall.EAFNOSUPPORT)
	}
	p, at, err := bind(ctx, lc, e, (*net.ListenConfig).ListenPacket)
	if err == nil && at.IsMulticast() {
		if err = join(p.(*net.UDPConn), at, lc.Socket.Interface); err != nil {
			_ = p.Close()
		}
	}
	if err != nil {
		return nil, listenError(e, at, err)
	}
	if u, ok := p.(*net.UnixConn); ok {
		return &unixPacketConn{UnixConn: u, file: e.socketFile()}, nil
	}
	return p.(*net.UDPConn), nil
}

// bind calls open with the address of e. Of an IP address, that is at; it is not valid if
// e means all addresses.
func bind[S io.Closer](ctx context.Context, lc ListenConfig, e Endpoint, open func(*net.ListenConfig, context.Context, string, string) (S, error)) (socket S, at netip.Addr, err error) {
	mode := cmp.Or(lc.Mode, 0o600)
	config := &net.ListenConfig{KeepAliveConfig: lc.Socket.keepAlive(), KeepAlive: -1}
	config.SetMultipathTCP(lc.Socket.MPTCP)
	config.Control = func(network, address string, c syscall.RawConn) error {
		if e.Unix() && !e.Abstract() {
			setMode(c, mode)
		}
		return lc.Socket.control(network, address, c)
	}
	if e.Unix() {
		socket, err = bindPath(e, mode, func() (S, error) { return open(config, ctx, e.Network, e.Path) })
		return socket, at, err
	}
	address, at, err := lc.address(ctx, e)
	if err == nil {
		network := e.netNetwork()
		if at == netip.IPv4Unspecified() && (network == "tcp" || network == "udp") {
			network += "4" // else the net package listens on [::] as well
		}
		socket, err = open(config, ctx, network, address)
	}
	return socket, at.Unmap(), err
}

// bindPath calls open. A stale Unix socket file at e's path is removed, and open is
// called once more. The new file gets the mode.
func bindPath[S io.Closer](e Endpoint, mode fs.FileMode, open func() (S, error)) (socket S, err error) {
	if err := checkSocketPath(e.Path); err != nil {
		return socket, err
	}
	socket, err = open()
	if errors.Is(err, syscall.EADDRINUSE) && !e.Abstract() {
		// Without the lock, another listener that found the same stale file could
		// remove the socket that this one has just bound.
		unlock := lockDirectory(filepath.Dir(e.Path))
		if err = removeStale(e); err == nil {
			socket, err = open()
		}
		unlock()
	}
	if err != nil || e.Abstract() || e.Path == "" {
		return socket, err
	}
	if err = os.Chmod(e.Path, mode); err != nil { // needed where the umask has cleared bits of mode
		_ = socket.Close()
		_ = removeStale(e)
	}
	return socket, err
}

// address is the numeric address to listen on for e; ip is not valid if e means all
// addresses. Of a name's addresses it is the first of IPv4, else the first.
func (lc ListenConfig) address(ctx context.Context, e Endpoint) (address string, ip netip.Addr, err error) {
	limited, cancel := context.WithTimeout(ctx, lookupMost)
	defer cancel()
	all, err := lc.Resolver.addresses(limited, e)
	switch {
	case err != nil && limited.Err() != nil && ctx.Err() == nil:
		return "", ip, &Error{Why: Timeout, Err: fmt.Errorf("name lookup timed out after %v", lookupMost)}
	case err != nil:
		return "", ip, err
	case e.Host == "":
		return fmt.Sprintf(":%d", all[0].Port()), ip, nil
	}
	one := all[max(slices.IndexFunc(all, func(a netip.AddrPort) bool { return a.Addr().Is4() }), 0)]
	return one.String(), one.Addr(), nil
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

// listenError is the error of listening on e, whose address is at.
func listenError(e Endpoint, at netip.Addr, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, syscall.EINVAL) {
		err = cmp.Or(badZone(at), err)
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
// while it is still that file, and once: another file may get its inode.
type socketFile struct {
	path string
	info fs.FileInfo
	once sync.Once
}

func (e Endpoint) socketFile() socketFile {
	if e.Abstract() {
		return socketFile{}
	}
	info, _ := os.Lstat(e.Path) // nil: remove does nothing
	return socketFile{path: e.Path, info: info}
}

func (f *socketFile) remove() {
	f.once.Do(func() {
		if now, err := os.Lstat(f.path); err == nil && os.SameFile(now, f.info) {
			_ = os.Remove(f.path) // a directory that we may no longer write to
		}
	})
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
