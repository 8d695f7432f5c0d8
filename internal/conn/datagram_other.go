//go:build !linux

package conn

import "net"

// AskDestination asks for nothing here: answers leave from the address that the
// system chooses.
func AskDestination(*net.UDPConn) int { return 0 }

// onlyJoined does nothing here.
func onlyJoined(*net.UDPConn) {}

// AnswerFrom cannot know here where a datagram was sent.
func AnswerFrom([]byte) (answer []byte, many bool) { return nil, false }
