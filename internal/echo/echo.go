// Package echo is gecho's inside: what is done with one connection or one
// datagram, for how long, and how it is made to go wrong on purpose.
//
// A [Server] is given bound sockets. An acceptor takes a slot before it takes a
// connection out of the backlog, so that a full server leaves the rest waiting
// there and never runs out of descriptors by its own doing. A connection then has
// one goroutine that reads, answers and ends it in order, with a clock beside it
// that is looked at only when it could fire.
//
// A connection that is only echoed (the default service, no option that looks
// at the bytes) takes the fast path of [gcat/internal/echo/epoll] instead, on
// Linux. All that is seen from outside is the same either way, and the tests run
// both. One that follows a script (script.go), or is handed on to a server by
// [conn.Relay] (forward.go), has the same clock, faults and end.
//
// Nothing that waits holds a buffer: one is borrowed when there is something to
// read and given back when it has been answered. What is read is written before
// more is read, so a peer that does not read is not read from either.
package echo

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"gcat/internal/conn"
	"gcat/internal/echo/epoll"
	"gcat/internal/tlsconn"
)

// A Server answers on any number of sockets. The zero value echoes for ever,
// without clocks.
type Server struct {
	// Service is what is done with what comes.
	Service Service
	// Size is how many bytes the service Source sends; 0 is no end.
	Size int64

	// Idle is for how long nothing may move, either way, on a connection before
	// it is closed; 0 is for ever.
	Idle time.Duration
	// Deadline is the longest life of a connection; 0 is none.
	Deadline time.Duration
	// Farewell is sent when a clock closes a connection.
	Farewell string

	// Greeting is sent on connect.
	Greeting string
	// Suffix is sent after each reply.
	Suffix string
	// Reply, if not nil, is sent instead of what came.
	Reply *Template
	// Lines answers whole lines rather than what one read brings.
	Lines bool
	// MaxLine is the longest line that is taken, in bytes with its ending; 0 is
	// 64 KiB.
	MaxLine int
	// CloseAfterReply closes after the first reply.
	CloseAfterReply bool
	// Control obeys the lines `set time N` and `exit`; it implies Lines, and needs
	// ParseDuration.
	Control bool
	// ParseDuration reads the N of `set time N`; 0 is none.
	ParseDuration func(string) (time.Duration, error)

	// To, if not nil, is where connections are handed on to, in place of the
	// service.
	To *Target
	// Script, if not nil, is what each connection follows in place of the service.
	Script []Step

	// MaxConns is how many connections are served at once; 0 is as many as
	// there are descriptors for.
	MaxConns int
	// Count is how many connections (or datagrams) are served before the server
	// ends; 0 is no end. Those of FailFirst do not count, nor those without a
	// finished TLS handshake.
	Count int64
	// LoopGuard is how many of a run of identical datagrams from one address are
	// answered; 0 is no limit.
	LoopGuard int
	// Permits says who may connect; nil lets everybody in.
	Permits func(net.Addr) bool
	// Faults are what goes wrong on purpose.
	Faults Faults

	// Report is told what happens; nil is told nothing. It may be called from
	// several goroutines at once.
	Report func(Event)
	// Trace reports accepted and closed connections, too, and not only what
	// went wrong.
	Trace bool

	// Totals counts what has happened so far.
	Totals Totals

	stopping context.Context // ends when nothing more is accepted because of a signal
	grace    time.Duration   // what is given after that
	slots    *slots
	fast     *epoll.Group   // nil where there is none, or plain is false
	live     sync.WaitGroup // connections
	counted  sync.WaitGroup // those of them that Count counts, or may count
	mu       sync.Mutex
	open     map[*connection]struct{}
	own      map[addressKey]struct{} // addresses of our datagram sockets
}

// A Socket is something to serve: one of Listener, Packet, Conn and Peers.
type Socket struct {
	Listener net.Listener
	Packet   net.PacketConn
	Conn     net.Conn
	Peers    *conn.DatagramPeers // with a Target
	// TLS, if not nil, makes the listener's connections TLS.
	TLS *tls.Config
	// Name is the endpoint as it is reported.
	Name string
	// Messages keeps what came in one read together, and answers it in one
	// write of any length: for sockets of type SOCK_SEQPACKET.
	Messages bool
}

// Totals are counts since the server began.
type Totals struct {
	Connections, Now      atomic.Int64 // ever, and at the moment
	Received, Sent        atomic.Int64 // bytes, datagrams included
	Timeouts, Errors      atomic.Int64
	Refused               atomic.Int64 // by rule
	Datagrams, Unanswered atomic.Int64 // received; of them not answered on purpose
	Dropped               atomic.Int64 // datagrams that a receive buffer had no room for
	Faults                atomic.Int64
	Strayed, TooSlow      atomic.Int64 // connections that did not follow the script, or not in time
}

// An EventKind says what happened.
type EventKind int

// The kinds of event.
const (
	Accepted EventKind = iota
	Closed
	RefusedByRule
	TimedOut // a clock closes the connection
	Failed   // the connection or the socket failed: Err
	Faulted  // a fault asked for has been done: What
	Noticed  // something is not answered, or waits: What
)

// An Event is something that happened to one connection, or to a socket when
// Number is 0.
type Event struct {
	Kind EventKind
	// Number counts connections from 1.
	Number int64
	// Endpoint is the name of the socket.
	Endpoint string
	// Remote and Local are addresses; Remote is empty if it has none.
	Remote, Local string
	// What is the readable part of a fault, a time limit or a notice.
	What string
	Err  error

	// The rest is for Closed. FirstByte is 0 if nothing was received.
	Received, Sent, Unacknowledged int64
	Duration, FirstByte            time.Duration
	EndedBy                        string // local, peer, timeout, reset, signal
	TLS                            tlsconn.Facts
}

// drainLimit is for how long a connection that is closed in order is still read,
// so that what is under way from the peer causes no reset.
const drainLimit = time.Second

// defaultMaxLine is the longest line taken when nothing else is said.
const defaultMaxLine = 64 << 10

func (s *Server) report(e Event) {
	switch e.Kind {
	case TimedOut:
		s.Totals.Timeouts.Add(1)
	case Failed:
		s.Totals.Errors.Add(1)
	case RefusedByRule:
		s.Totals.Refused.Add(1)
	case Faulted:
		s.Totals.Faults.Add(1)
	case Accepted, Closed:
		if !s.Trace {
			return
		}
	}
	if s.Report != nil {
		s.Report(e)
	}
}

// longestLine is how long a line may be, its ending included.
func (s *Server) longestLine() int { return cmp.Or(s.MaxLine, defaultMaxLine) }

// lines reports whether the server works line by line.
func (s *Server) lines() bool { return s.Lines || s.Control }

// plain reports whether connections are only echoed, so that the fast path can do
// it.
func (s *Server) plain() bool {
	return s.Service == Echo && s.Greeting == "" && s.Suffix == "" && s.Reply == nil && !s.lines() && !s.CloseAfterReply && s.Script == nil && s.To == nil && !s.Faults.any()
}
