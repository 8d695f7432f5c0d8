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

// States of a TCP connection in which the kernel's counts include our FIN or the peer's
// as one byte (include/net/tcp_states.h).
const (
	tcpFinWait1  = 4
	tcpFinWait2  = 5
	tcpClose     = 7 // also after a reset
	tcpCloseWait = 8
	tcpLastAck   = 9
	tcpClosing   = 11
)

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
			queued, _ := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
			n.sent, n.received = int64(info.Bytes_acked)+int64(queued), int64(info.Bytes_received)
			n.data = int64(info.Bytes_sent - info.Bytes_retrans)
			switch info.State {
			case tcpFinWait1, tcpFinWait2, tcpClosing, tcpLastAck:
				n.sent--
			}
			switch info.State {
			case tcpCloseWait, tcpClosing, tcpLastAck:
				n.received--
				n.peerEOF = true
			}
			n.closed, n.lost = info.State == tcpClose && queued == 0, info.State == tcpClose && queued > 0
			n.taken = n.received - int64(waiting)
			before := waiting
			if waiting, _ = unix.IoctlGetInt(fd, unix.SIOCINQ); waiting == before {
				break
			}
		}
	})
	return n
}
