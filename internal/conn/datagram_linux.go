package conn

import (
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// askDestination asks the kernel for the destination address of each datagram
// (IP_PKTINFO of ip(7), IPV6_RECVPKTINFO of ipv6(7)), and returns the size of the
// control messages.
func askDestination(c *net.UDPConn) int {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		// The socket is of one family; the other call fails.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
	})
	return unix.CmsgSpace(unix.SizeofInet4Pktinfo) + unix.CmsgSpace(unix.SizeofInet6Pktinfo)
}

// onlyJoined keeps c from receiving the groups that other sockets have joined (ip(7),
// ipv6(7)).
func onlyJoined(c *net.UDPConn) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0)
	})
}

// answerFrom turns the control messages of a datagram into those that make the answer
// leave from the address that the datagram was sent to. The routing table chooses
// the interface, except for link-local addresses, which need theirs.
func answerFrom(control []byte) []byte {
	messages, err := syscall.ParseSocketControlMessage(control)
	if err != nil {
		return nil
	}
	var answer []byte
	for _, m := range messages {
		switch {
		case m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_PKTINFO && len(m.Data) >= unix.SizeofInet4Pktinfo:
			info := *(*unix.Inet4Pktinfo)(unsafe.Pointer(&m.Data[0]))
			info.Ifindex = 0
			return unix.PktInfo4(&info) // of a broadcast it has the address to answer from, too
		case m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_PKTINFO && len(m.Data) >= unix.SizeofInet6Pktinfo:
			info := *(*unix.Inet6Pktinfo)(unsafe.Pointer(&m.Data[0]))
			if info.Addr[0] == 0xff {
				continue // nothing is sent from a multicast address
			}
			if info.Addr[0] != 0xfe || info.Addr[1]&0xc0 != 0x80 {
				info.Ifindex = 0
			}
			answer = unix.PktInfo6(&info)
		}
	}
	return answer
}
