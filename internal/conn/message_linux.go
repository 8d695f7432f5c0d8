package conn

import "golang.org/x/sys/unix"

// peerEOF reports whether a read of nothing was the peer's end of file: an empty
// message of a unixpacket socket reads alike. One that is the last before the end
// is not told from it, and nothing is lost with that.
func (s *Socket) peerEOF() bool {
	if s.raw == nil {
		return true
	}
	shut := true
	_ = s.raw.Control(func(fd uintptr) {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(poll, 0)
		shut = err != nil || n > 0
	})
	return shut && s.readable() == 0
}
