//go:build !linux

package conn

// peerEOF takes a read of nothing for the peer's end of file.
func (s *Socket) peerEOF() bool { return true }
