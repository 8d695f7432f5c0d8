package conn

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// A sockopt is one call of setsockopt(2) with an integer.
type sockopt struct {
	name       string
	level, opt int
	value      int // 0 is not asked for
}

// set applies o to a socket that is not bound yet.
func (o *SocketOptions) set(network string, fd uintptr) error {
	options := []sockopt{
		{"SO_SNDBUF", unix.SOL_SOCKET, unix.SO_SNDBUF, o.SendBuffer},
		{"SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF, o.ReceiveBuffer},
	}
	if o.ReusePort {
		options = append(options, sockopt{"SO_REUSEPORT", unix.SOL_SOCKET, unix.SO_REUSEPORT, 1})
	}
	ip := !strings.HasPrefix(network, "unix")
	if ip {
		options = append(options, o.ip(strings.HasSuffix(network, "6"))...)
	}
	if strings.HasPrefix(network, "udp") { // groups have a TTL of their own, 1
		options = append(options, sockopt{"IP_MULTICAST_TTL", unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, o.TTL})
		if strings.HasSuffix(network, "6") {
			options = append(options, sockopt{"IPV6_MULTICAST_HOPS", unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, o.TTL})
		}
	}
	for _, option := range options {
		if option.value == 0 {
			continue
		}
		if err := unix.SetsockoptInt(int(fd), option.level, option.opt, option.value); err != nil {
			return fmt.Errorf("set %s: %w", option.name, err)
		}
	}
	if ip && o.Interface != "" {
		if err := unix.BindToDevice(int(fd), o.Interface); err != nil {
			return &Error{Why: ConnectKind(err), Op: fmt.Sprintf("bind to interface %q", o.Interface), Err: err}
		}
	}
	return nil
}

// ip are the options of IPv4, which an IPv6 socket takes too, for its mapped
// addresses, and those of IPv6.
func (o *SocketOptions) ip(v6 bool) []sockopt {
	options := []sockopt{
		{"IP_TOS", unix.IPPROTO_IP, unix.IP_TOS, o.TOS},
		{"IP_TTL", unix.IPPROTO_IP, unix.IP_TTL, o.TTL},
	}
	if v6 {
		options = append(options,
			sockopt{"IPV6_TCLASS", unix.IPPROTO_IPV6, unix.IPV6_TCLASS, o.TOS},
			sockopt{"IPV6_UNICAST_HOPS", unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, o.TTL})
	}
	return options
}

// setCongestion sets the congestion control. If it was not asked for by name, it
// replaces bbr only, and a refusal is no error.
func setCongestion(fd uintptr, name string, asked bool) error {
	if !asked {
		now, err := unix.GetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION)
		if err == nil && strings.HasPrefix(now, "bbr") {
			_ = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, name)
		}
		return nil
	}
	err := unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, name)
	if err != nil {
		return &Error{Why: Unsupported, Op: fmt.Sprintf("congestion control %q", name), Err: err}
	}
	return nil
}

// abstractNames is set: @NAME is a Unix socket without a file (unix(7)).
const abstractNames = true
