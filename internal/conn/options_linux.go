package conn

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"
)

// A sockopt is one call of setsockopt(2) with an integer.
type sockopt struct {
	name       string
	level, opt int
	value      int // 0 is not asked for
}

// setOptions sets those that are asked for.
func setOptions(fd int, options []sockopt) error {
	for _, option := range options {
		if option.value == 0 {
			continue
		}
		if err := unix.SetsockoptInt(fd, option.level, option.opt, option.value); err != nil {
			return fmt.Errorf("set %s: %w", option.name, err)
		}
	}
	return nil
}

// set applies o to a socket that is not bound yet. An IPv6 socket takes the options of
// IPv4, too, for its mapped addresses. Groups have a TTL of their own, 1.
func (o *SocketOptions) set(network string, fd uintptr) error {
	ip, udp, v6 := !strings.HasPrefix(network, "unix"), strings.HasPrefix(network, "udp"), strings.HasSuffix(network, "6")
	err := setOptions(int(fd), []sockopt{
		{"SO_SNDBUF", unix.SOL_SOCKET, unix.SO_SNDBUF, o.SendBuffer},
		{"SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF, o.ReceiveBuffer},
		{"SO_REUSEPORT", unix.SOL_SOCKET, unix.SO_REUSEPORT, onlyIf(o.ReusePort, 1)},
		{"IP_TOS", unix.IPPROTO_IP, unix.IP_TOS, onlyIf(ip, o.TOS)},
		{"IP_TTL", unix.IPPROTO_IP, unix.IP_TTL, onlyIf(ip, o.TTL)},
		{"IPV6_TCLASS", unix.IPPROTO_IPV6, unix.IPV6_TCLASS, onlyIf(v6, o.TOS)},
		{"IPV6_UNICAST_HOPS", unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, onlyIf(v6, o.TTL)},
		{"IP_MULTICAST_TTL", unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, onlyIf(udp, o.TTL)},
		{"IPV6_MULTICAST_HOPS", unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, onlyIf(udp && v6, o.TTL)},
	})
	if err != nil || !ip || o.Interface == "" {
		return err
	}
	if err := unix.BindToDevice(int(fd), o.Interface); err != nil {
		return &Error{Why: ConnectKind(err), Op: fmt.Sprintf("bind to interface %q", o.Interface), Err: err}
	}
	return nil
}

// onlyIf is value if it is asked for.
func onlyIf(asked bool, value int) int {
	if asked {
		return value
	}
	return 0
}

// setCongestion sets the congestion control of a TCP socket, whose peer or, if it
// listens, whose own address is address.
func (o *SocketOptions) setCongestion(fd uintptr, address string) error {
	switch {
	case o.Congestion == "system", o.Congestion == "" && !onLoopback(address):
		return nil
	case o.Congestion == "":
		now, err := unix.GetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION)
		if err == nil && strings.HasPrefix(now, "bbr") {
			_ = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, "reno")
		}
		return nil
	}
	switch err := unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, o.Congestion); err {
	case nil:
		return nil
	case unix.ENOENT:
		return &Error{Why: Unsupported, Err: fmt.Errorf("no such congestion control: %q", o.Congestion)}
	default:
		return &Error{Why: Unsupported, Op: fmt.Sprintf("congestion control %q", o.Congestion), Err: err}
	}
}

func onLoopback(address string) bool {
	a, err := netip.ParseAddrPort(address)
	return err == nil && a.Addr().Unmap().IsLoopback()
}

// abstractNames is set: @NAME is a Unix socket without a file (unix(7)).
const abstractNames = true
