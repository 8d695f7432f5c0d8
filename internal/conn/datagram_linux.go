package conn

import (
	"net"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// askDestination asks the kernel for the destination address of each datagram (IP_PKTINFO
// of ip(7), IPV6_RECVPKTINFO of ipv6(7)), and returns the size of the control messages.
func askDestination(c *net.UDPConn) int {
	_ = rawConn(c).Control(func(fd uintptr) {
		// The socket is of one family; the other call fails.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
	})
	return unix.CmsgSpace(unix.SizeofInet4Pktinfo) + unix.CmsgSpace(unix.SizeofInet6Pktinfo)
}

// onlyJoined keeps c from receiving the groups that other sockets have joined (ip(7),
// ipv6(7)).
func onlyJoined(c *net.UDPConn) {
	_ = rawConn(c).Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0)
	})
}

// answerFrom turns the control messages of a datagram, in place, into those that make the
// answer leave from the address that the datagram was sent to; toMany reports whether
// that is a broadcast or multicast address. The routing table chooses the interface,
// except for link-local addresses, which need theirs. An IPv4 datagram on an IPv6 socket
// has a message of each family; for the answer the kernel accepts only that of IPv4.
func answerFrom(control []byte) (answer []byte, toMany bool) {
	for rest := control; len(rest) >= unix.SizeofCmsghdr; {
		h, data, next, err := unix.ParseOneSocketControlMessage(rest)
		if err != nil {
			break
		}
		message := rest[:len(rest)-len(next)]
		rest = next
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			info := (*unix.Inet4Pktinfo)(unsafe.Pointer(&data[0]))
			info.Ifindex = 0
			toMany = info.Addr != info.Spec_dst // of a broadcast it is the address to answer from
			if info.Spec_dst == ([4]byte{}) {   // it came before askDestination
				toMany = ToMany(netip.AddrFrom4(info.Addr))
				info.Spec_dst = info.Addr
			}
			return message, toMany
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			info := (*unix.Inet6Pktinfo)(unsafe.Pointer(&data[0]))
			a := netip.AddrFrom16(info.Addr)
			if a.IsMulticast() {
				toMany = true // nothing is sent from such an address
				continue
			}
			if !a.IsLinkLocalUnicast() {
				info.Ifindex = 0
			}
			answer = message
		}
	}
	return answer, toMany
}
