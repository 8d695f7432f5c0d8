// Package epoll echoes plain TCP and Unix connections, as many as there are, in
// one goroutine for every two processors.
//
// A goroutine for each connection reaches 0.56 to 0.63 of what an epoll server in
// C does and costs a waiting connection 6.7 KB; this reaches 0.92 to 1.05 at less
// than 1 KB. Nothing outside knows how: a [Group] takes connections off a
// listener and reports how each of them ended. Where there is no epoll(7), Start
// returns nil.
package epoll

import (
	"sync"
	"sync/atomic"
	"time"
)

// A Config is what is done with the connections of a Group. Expired and Ended are
// called with a lock held, and must not call the Group.
type Config struct {
	// Idle is how long nothing may move, Deadline the longest life; 0 is none.
	Idle, Deadline time.Duration
	// Farewell is sent to a connection that a clock or EndAll ends.
	Farewell string
	// Drain is how long such a connection is still read.
	Drain time.Duration
	// Buffers holds *[]byte; one is borrowed for what a peer does not take.
	Buffers *sync.Pool
	// Received and Sent count bytes.
	Received, Sent *atomic.Int64
	// Unacknowledged asks that End have it, which costs a system call.
	Unacknowledged bool
	// Expired is called when a clock ends a connection: "idle" or "deadline".
	Expired func(c *Conn, clock string, limit time.Duration)
	// Ended is called when a connection has ended; it closes it.
	Ended func(c *Conn, how End)
}

// An End is how a connection ended.
type End struct {
	By                             string // peer, timeout, signal, reset
	Err                            error  // why, with reset
	Received, Sent, Unacknowledged int64
	Duration, FirstByte            time.Duration
}
