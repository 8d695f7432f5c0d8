package conn

import (
	"context"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
)

// Reaches reports whether a connection, or a datagram, to e would reach the socket that
// is bound to bound: to the address of e, or to all addresses of this machine if e's is
// one of them. A name that cannot be looked up reaches none.
func (e Endpoint) Reaches(ctx context.Context, r Resolver, bound net.Addr) bool {
	own := EndpointOf(bound)
	if own.Unix() || e.Unix() {
		return own.Unix() && e.Unix() && sameFile(own.Path, e.Path)
	}
	ip, err := netip.ParseAddr(own.Host)
	if own.Host == "" {
		ip, err = netip.IPv6Unspecified(), nil
	}
	if err != nil || own.Datagram() != e.Datagram() || e.Network == "vsock" || e.CAN() {
		return false
	}
	if _, err := strconv.Atoi(e.Port); err == nil && e.Port != own.Port {
		return false // without a look-up
	}
	addresses, _ := r.addresses(ctx, e)
	return slices.ContainsFunc(addresses, func(a netip.AddrPort) bool {
		to := connected(a.Addr().Unmap())
		switch {
		case strconv.Itoa(int(a.Port())) != own.Port, to.Is6() && ip.Is4():
			return false
		case ip.IsUnspecified():
			return onThisMachine(to)
		}
		return to.WithZone("") == ip.Unmap().WithZone("")
	})
}

// connected is where a connection to a leads: connect(2) takes 0.0.0.0 and :: for the
// loopback address of their family.
func connected(a netip.Addr) netip.Addr {
	switch a {
	case netip.IPv4Unspecified():
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case netip.IPv6Unspecified():
		return netip.IPv6Loopback()
	}
	return a
}

// sameFile reports whether two paths are of one file, or two names of Linux's abstract
// name space of one socket.
func sameFile(a, b string) bool {
	one, _ := os.Stat(a)
	two, _ := os.Stat(b)
	return a == b || os.SameFile(one, two)
}

// onThisMachine reports whether an address is this machine's: a socket can be bound to
// it.
func onThisMachine(a netip.Addr) bool {
	if a.IsLoopback() {
		return true
	}
	p, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0)))
	if err == nil {
		_ = p.Close()
	}
	return err == nil
}
