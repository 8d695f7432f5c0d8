package echo

import "golang.org/x/sys/unix"

// sendQueue is how much of its send buffer a socket has in use, and how large
// that is (SIOCOUTQ, SO_SNDBUF: unix(7), socket(7)).
func sendQueue(fd int) (queued, room int) {
	queued, _ = unix.IoctlGetInt(fd, unix.SIOCOUTQ) // 0 where that is not known
	room, _ = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF)
	return queued, room
}
