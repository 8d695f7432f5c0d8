package command

import (
	"net"
	"sync"

	"golang.org/x/sys/unix"
)

// adoptOrphans makes this process the parent of the orphans of its commands
// (prctl(2), PR_SET_CHILD_SUBREAPER). Otherwise an init that does not reap would
// leave zombies, and a zombie keeps its process group alive.
var adoptOrphans = sync.OnceFunc(func() {
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
})

// canCount reports that the kernel counts the bytes of a TCP connection.
const canCount = true

// tcpCloseWait is TCP_CLOSE_WAIT of include/net/tcp_states.h: the peer's FIN has
// arrived, and Bytes_received includes it as one byte.
const tcpCloseWait = 8

// countSocket returns the kernel's counts (TCP_INFO and SIOCOUTQ of tcp(7)); they
// are zero for other sockets.
func countSocket(c net.Conn) (n counts) {
	if _, ok := c.(*net.TCPConn); !ok {
		return counts{}
	}
	control(c, func(fd int) {
		// A byte that arrives between the two calls is in SIOCINQ but not in
		// TCP_INFO; ask again until SIOCINQ stands still.
		waiting, _ := unix.IoctlGetInt(fd, unix.SIOCINQ)
		for range 100 {
			info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
			if err != nil {
				return
			}
			n.sent, n.received = int64(info.Bytes_acked), int64(info.Bytes_received)
			if q, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ); err == nil {
				n.sent += int64(q)
			}
			if n.peerEOF = info.State == tcpCloseWait; n.peerEOF {
				n.received--
			}
			n.taken = n.received - int64(waiting)
			before := waiting
			if waiting, _ = unix.IoctlGetInt(fd, unix.SIOCINQ); waiting == before {
				break
			}
		}
	})
	return n
}
