package conn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Dialer connects. The zero value connects from any address and tries every address
// of the endpoint.
type Dialer struct {
	// Resolver looks names up.
	Resolver Resolver
	// LocalHost and LocalPort are the source address (an address, a name or
	// nothing) and the source port (a number or nothing). A Unix datagram socket binds
	// itself to the path LocalHost.
	LocalHost, LocalPort string
	// Limit bounds each try of Dial, look-up included; 0 is no limit.
	Limit time.Duration
	// Retry is for how long Dial tries again after failures; 0 is one try.
	Retry time.Duration
	// Socket holds the options set before the socket connects.
	Socket SocketOptions
	// Upgrade, if set, performs the handshakes over a new connection (a proxy, TLS).
	// It is a part of the try, so that Limit and Retry apply to it. Dial returns its
	// connection; if it fails, it has closed c.
	Upgrade func(ctx context.Context, c net.Conn) (net.Conn, error)
}

// Dial connects to e. The error is an [*Error] that names every address tried.
func (d *Dialer) Dial(ctx context.Context, e Endpoint) (net.Conn, error) {
	return Retry(ctx, d.Retry, d.Limit, func(ctx context.Context, limit time.Duration) (net.Conn, error) {
		return d.once(ctx, e, limit)
	})
}

// Retry calls try until it succeeds, for at most lasting in all; each try has at
// most limit. The error is the last try's.
func Retry(ctx context.Context, lasting, limit time.Duration, try func(context.Context, time.Duration) (net.Conn, error)) (net.Conn, error) {
	start := time.Now()
	for pause := retryFirst; ; pause = min(2*pause, retryMost) {
		bound := limit
		if lasting > 0 {
			left := max(lasting-time.Since(start), time.Millisecond)
			if bound == 0 || left < bound {
				bound = left
			}
		}
		c, err := try(ctx, bound)
		// The last try begins retryFirst before the end, so that it has time to succeed.
		left := lasting - retryFirst - time.Since(start)
		if err == nil || left <= 0 || ctx.Err() != nil || !transient(err) {
			return c, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(min(pause, left)):
		}
	}
}

// transient reports whether a later try may succeed.
func transient(err error) bool {
	for e, ok := errors.AsType[*Error](err); ok; e, ok = errors.AsType[*Error](e.Err) {
		if e.Transient {
			return true
		}
	}
	switch KindOf(err) {
	case NotPermitted, NotASocket, BadAddress, Unsupported, NoDescriptor, Local, TLS, Proxy, ResetByPeer:
		return false
	}
	return true
}

// once makes one try to connect within limit (0: none).
func (d *Dialer) once(ctx context.Context, e Endpoint, limit time.Duration) (net.Conn, error) {
	parent := ctx
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	op := "connect to " + e.Address()
	c, err := d.connect(ctx, e)
	if err == nil {
		if d.Socket.Delay {
			d.Socket.Tune(c)
		}
		if d.Upgrade == nil {
			return c, nil
		}
		if c, err = d.Upgrade(ctx, c); err == nil {
			return c, nil
		}
		op = "" // its errors name the peer
	}
	why := ConnectKind(err)
	if why == ResetByPeer && d.Upgrade != nil {
		why = NoConnection // as if the reset had come during the handshake
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		<-ctx.Done() // the net package's timer fired a moment before that of ctx or of its parent
	}
	if ctx.Err() == context.DeadlineExceeded && parent.Err() == nil && why != NoDescriptor {
		during := why
		if op == "" {
			during = NoConnection // a handshake
		}
		why = Timeout
		clock := fmt.Sprintf("timed out after %v (connect limit)", rounded(limit))
		if limit != d.Limit {
			clock = fmt.Sprintf("timed out after %v (retry limit)", rounded(d.Retry)) // it left less to this try
		}
		err = &Error{Why: during, Err: errors.New(limitWords(err, clock))}
	}
	return nil, &Error{Why: why, Op: op, Err: err}
}

// limitWords is the text of a try that a clock ended, with the failure before that.
func limitWords(err error, clock string) string {
	switch words := Words(err); {
	case words == "timed out":
		return clock
	case strings.HasSuffix(words, "timed out"):
		return strings.TrimSuffix(words, "timed out") + clock
	default:
		return clock + "; " + words
	}
}

// connect opens the kind of socket that e asks for.
func (d *Dialer) connect(ctx context.Context, e Endpoint) (net.Conn, error) {
	switch {
	case e.Network == "vsock":
		return dialVsock(ctx, e)
	case e.Unix():
		return d.connectUnix(ctx, e)
	}
	addresses, err := d.Resolver.addresses(ctx, e)
	if err != nil {
		return nil, err
	}
	network := strings.TrimRight(e.netNetwork(), "46")
	if _, err := netip.ParseAddr(e.Host); err == nil {
		return d.address(ctx, network, addresses[0]) // one address: no race, and no list of addresses in the error
	}
	wait := stagger
	if e.Datagram() {
		wait = math.MaxInt64 // connect(2) returns at once here: the addresses are tried strictly in order
	}
	return race(ctx, wait, addresses, func(ctx context.Context, a netip.AddrPort) (net.Conn, error) {
		return d.address(ctx, network, a)
	})
}

func (d *Dialer) connectUnix(ctx context.Context, e Endpoint) (net.Conn, error) {
	if err := checkSocketPath(e.Path); err != nil {
		return nil, err
	}
	connect := d.dialUnix
	if e.Network == "unixgram" {
		connect = d.connectUnixgram
	}
	c, err := connect(ctx, e)
	if errors.Is(err, syscall.ECONNREFUSED) && !e.Abstract() {
		// The system returns the same for a stale socket and for an ordinary file.
		if info, e := os.Stat(e.Path); e == nil && info.Mode().Type() != fs.ModeSocket {
			return nil, &Error{Why: NotASocket, Err: errors.New("not a socket")}
		}
	}
	if errors.Is(err, syscall.EPROTOTYPE) {
		err = otherType(e)
	}
	return c, err
}

// otherType names the type of the socket at e's path; EPROTOTYPE only means that it
// is not e's.
func otherType(e Endpoint) error {
	is, network := "a stream socket", "unix"
	probe, err := net.Dial("unixgram", e.Path) // the peer sees no connection
	switch {
	case err == nil:
		_ = probe.Close()
		is, network = "a datagram socket", "unixgram"
	case e.Network == "unix":
		is, network = "a sequenced-packet socket", "unixpacket"
	case e.Network == "unixgram":
		is = "no datagram socket"
	}
	return &Error{Why: NoConnection, Err: fmt.Errorf("it is %s", is), Try: tryTyping(network + "://" + e.Path)}
}

// dialUnix waits while the backlog is full, as a connect(2) that blocks does. Linux
// returns EAGAIN, and does not report when there is room.
func (d *Dialer) dialUnix(ctx context.Context, e Endpoint) (net.Conn, error) {
	c, err := d.dialer().DialContext(ctx, e.Network, e.Path)
	for pause := backlogFirst; errors.Is(err, syscall.EAGAIN); pause = min(2*pause, backlogMost) {
		select {
		case <-ctx.Done():
		case <-time.After(pause):
			c, err = d.dialer().DialContext(ctx, e.Network, e.Path)
		}
		if ctx.Err() != nil && err != nil {
			return nil, errors.New("its backlog is full")
		}
	}
	return c, err
}

// dialer is the net package's, with our options.
func (d *Dialer) dialer() *net.Dialer {
	dialer := &net.Dialer{
		KeepAliveConfig: d.Socket.keepAlive(),
		KeepAlive:       -1,
		FallbackDelay:   -1,
		Control:         d.Socket.control,
	}
	dialer.SetMultipathTCP(d.Socket.MPTCP)
	return dialer
}

// address connects to one address, from the source that fits its family.
func (d *Dialer) address(ctx context.Context, network string, a netip.AddrPort) (net.Conn, error) {
	dialer := d.dialer()
	var local netip.AddrPort
	if d.LocalHost != "" || d.LocalPort != "" {
		var err error
		if local, err = d.source(ctx, network, a.Addr().Is4()); err != nil {
			return nil, err
		}
		dialer.LocalAddr = net.TCPAddrFromAddrPort(local)
		if network == "udp" {
			dialer.LocalAddr = net.UDPAddrFromAddrPort(local)
		}
		control := dialer.Control
		dialer.Control = func(network, address string, c syscall.RawConn) error {
			reuseAddress(c)
			return control(network, address, c)
		}
	}
	var c net.Conn
	var err error
	switch {
	case network == "tcp":
		c, err = dialTCP(ctx, dialer, a)
	case ToMany(a.Addr()):
		return dialMany(ctx, dialer, a)
	default:
		c, err = dialer.DialContext(ctx, network, a.String())
	}
	if errors.Is(err, syscall.EINVAL) {
		err = d.invalid(ctx, a, local.Addr(), err)
	}
	return c, err
}

// invalid explains err, an EINVAL of connecting from local to a, if it can: the address
// needs its interface, the source address cannot reach it, or no source can.
func (d *Dialer) invalid(ctx context.Context, a netip.AddrPort, local netip.Addr, err error) error {
	if bad := badZone(a.Addr()); bad != nil {
		return bad
	}
	if bad := badZone(local); bad != nil {
		return &Error{Why: ConnectKind(bad), Op: "source address", Err: bad}
	}
	c, probe := d.dialer().DialContext(ctx, "udp", a.String()) // sends nothing
	switch {
	case errors.Is(probe, syscall.EINVAL):
		return &Error{Why: Unreachable, Err: errors.New("a route discards what goes there")}
	case probe == nil:
		_ = c.Close()
		if local.IsValid() && !local.IsUnspecified() {
			return &Error{Why: Unreachable, Err: fmt.Errorf("the source address %s cannot reach it", local)}
		}
	}
	return err
}

// badZone is the error of a link-local address whose interface is missing or unknown.
func badZone(a netip.Addr) error {
	zone := a.Zone()
	if a.Is6() && zone == "" && (a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast() || a.IsInterfaceLocalMulticast()) {
		return &Error{Why: BadAddress, Err: fmt.Errorf("a link-local address needs its interface: %s%%INTERFACE", a)}
	}
	if _, err := strconv.Atoi(zone); zone == "" || err == nil {
		return nil
	}
	_, err := interfaceNamed(zone)
	return err
}

func interfaceNamed(name string) (*net.Interface, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return nil, &Error{Why: NotFound, Err: fmt.Errorf("no such interface: %q", name)}
	}
	return i, nil
}

// source is the address to connect from.
func (d *Dialer) source(ctx context.Context, network string, v4 bool) (from netip.AddrPort, err error) {
	e := Endpoint{Network: network + "6", Host: "::", Port: cmp.Or(d.LocalPort, "0")}
	if v4 {
		e.Network, e.Host = network+"4", "0.0.0.0"
	}
	if d.LocalHost != "" {
		e.Host = literal(unbracket(d.LocalHost))
	}
	addresses, err := d.Resolver.addresses(ctx, e)
	if err == nil {
		return addresses[0], nil
	}
	op := "source address"
	if KindOf(err) == "" {
		op += fmt.Sprintf(" %q", e.Host) // the resolver's errors do not name it
	}
	return from, &Error{Why: ConnectKind(err), Op: op, Err: err}
}
