package conn

import (
	"context"
	"net"
	"net/netip"
	"slices"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// ToMany reports whether ip is a multicast group or an IPv4 broadcast address, at
// which several hosts receive and answer from their own addresses.
func ToMany(ip netip.Addr) bool {
	ip = ip.Unmap()
	switch {
	case ip.IsMulticast(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return true
	case !ip.Is4():
		return false
	case ip.IsLoopback():
		return ip == netip.AddrFrom4([4]byte{127, 255, 255, 255})
	}
	own, _ := net.InterfaceAddrs()                          // on an error it counts as a host's address
	return slices.ContainsFunc(own, func(a net.Addr) bool { // the last address of a network that this host is in
		p, err := netip.ParsePrefix(a.String())
		return err == nil && p.Bits() <= 30 && p.Contains(ip) && !p.Contains(ip.Next())
	})
}

// A manyConn sends to a group or a broadcast address, and takes answers from any
// address: a connected socket would drop them.
type manyConn struct {
	*net.UDPConn
	to netip.AddrPort
}

// dialMany opens a socket that sends to a, from dialer.LocalAddr (nil is any address).
func dialMany(ctx context.Context, dialer *net.Dialer, a netip.AddrPort) (net.Conn, error) {
	network, from := "udp6", "[::]:0"
	if a.Addr().Is4() {
		network, from = "udp4", "0.0.0.0:0"
	}
	if dialer.LocalAddr != nil {
		from = dialer.LocalAddr.String()
	}
	p, err := (&net.ListenConfig{Control: dialer.Control}).ListenPacket(ctx, network, from)
	if err != nil {
		return nil, err
	}
	return &manyConn{p.(*net.UDPConn), a}, nil
}

func (c *manyConn) RemoteAddr() net.Addr { return net.UDPAddrFromAddrPort(c.to) }

func (c *manyConn) Write(p []byte) (int, error) { return c.WriteToUDPAddrPort(p, c.to) }

// join makes c, which is bound to the port of a group, a member of the group, on
// the interface given or the one that the route to the group goes by.
func join(c *net.UDPConn, group netip.Addr, device string) error {
	if zone := group.Zone(); zone != "" {
		device = zone
	}
	var on *net.Interface
	var err error
	if device != "" {
		if on, err = interfaceNamed(device); err != nil {
			return err
		}
	}
	onlyJoined(c)
	if to := (&net.UDPAddr{IP: group.AsSlice()}); group.Is4() {
		err = ipv4.NewPacketConn(c).JoinGroup(on, to)
	} else {
		err = ipv6.NewPacketConn(c).JoinGroup(on, to)
	}
	if err != nil {
		words := "join the group"
		if on == nil {
			words += " on the interface of its route"
		}
		return &Error{Why: ConnectKind(err), Op: words, Err: err}
	}
	return nil
}
