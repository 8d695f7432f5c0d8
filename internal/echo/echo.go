// Package echo implements the server behind gecho: its services, its time limits
// and its faults.
//
// A [Server] is given bound sockets. An acceptor takes a slot before it takes a
// connection out of the backlog: a full server leaves the rest in the backlog and
// does not run out of descriptors. Most connections have one goroutine, which reads,
// answers and closes, and a clock that costs nothing until its timer fires.
//
// A connection that is only echoed (the default service, no option that looks
// at the bytes) takes the fast path of [gcat/internal/echo/epoll] instead, on
// Linux. Its peers and the log cannot distinguish the two paths, and the tests run
// both. A connection that follows a script (script.go) or is forwarded to a server
// by [conn.Relay] (forward.go) has the same limits and faults.
//
// A waiting connection has no buffer, except under TLS: it borrows one when there is
// something to read and returns it after the answer. The answer is written before more
// is read, so a peer that does not read is not read from either.
package echo

import (
	"cmp"
	"context"
	"crypto/tls"
	"math"
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
	// Service is what is done with the data received.
	Service Service
	// Size is how many bytes the service Source sends; 0 is no end.
	Size int64

	// Idle is how long a connection may move no byte in either direction before it
	// is closed; 0 is no limit.
	Idle time.Duration
	// Deadline is the longest life of a connection; 0 is none.
	Deadline time.Duration
	// Farewell is sent when a clock, or the end of the grace, closes a connection.
	Farewell string

	// Greeting is sent on connect.
	Greeting string
	// Suffix is sent after each reply.
	Suffix string
	// Reply, if not nil, is sent instead of the data received.
	Reply *Template
	// Lines answers whole lines rather than the data of one read.
	Lines bool
	// MaxLine is the longest line accepted, in bytes with its ending; 0 is no limit.
	MaxLine int
	// CloseAfterReply closes after the first reply.
	CloseAfterReply bool
	// Control executes the lines `set time N` and `exit`; it implies Lines, and needs
	// ParseDuration.
	Control bool
	// ParseDuration reads the N of `set time N`; an N of 0 is no limit.
	ParseDuration func(string) (time.Duration, error)

	// To, if not nil, is where connections are forwarded to, in place of the
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
	// Permits reports whether a peer may connect; nil permits every peer.
	Permits func(net.Addr) bool
	// Faults are what goes wrong on purpose.
	Faults Faults

	// Report, if not nil, is called with each event, possibly by several goroutines
	// at once.
	Report func(Event)
	// Trace reports accepted and closed connections, too, and not only what
	// went wrong.
	Trace bool

	// Totals counts what has happened so far.
	Totals Totals

	stopping  context.Context // ends when nothing more is accepted because of a signal
	graceOver context.Context // ends when the grace after that has passed
	slots     *slots
	fast      *epoll.Group   // nil if no connection can take the fast path
	live      sync.WaitGroup // connections
	counted   sync.WaitGroup // those of them that Count counts, or may count
	open      sync.Map       // of *connection, those of the fast path excepted
	admitted  atomic.Int64   // connections, those without a finished TLS handshake excepted
	own       []net.Addr     // addresses of our datagram sockets
}

// A Socket is something to serve. With Messages it is read and answered in whole messages.
type Socket struct {
	conn.Handed
	// TLS, if not nil, makes the listener's connections TLS.
	TLS *tls.Config
	// Name is the endpoint as it is reported.
	Name string
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
	Gone                  atomic.Int64 // sockets whose interface was deleted
	Strayed, TooSlow      atomic.Int64 // connections that did not follow the script, or not in time
}

// An EventKind is what happened.
type EventKind int

// The kinds of event.
const (
	Accepted EventKind = iota
	Closed
	RefusedByRule
	TimedOut // a clock closes the connection
	Failed   // the connection or the socket failed: Err
	Faulted  // a fault was applied: What
	Noticed  // a datagram was not answered, or datagrams were dropped: What
	Looped   // Noticed, because of LoopGuard
	Bounded  // Noticed, because Target.Unbounded is not set
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
	// What describes a fault, a time limit or a notice, for the log.
	What string
	Err  error

	// The rest is for Closed. FirstByte is 0 if nothing was received.
	Received, Sent, Unacknowledged int64
	Duration, FirstByte            time.Duration
	EndedBy                        string // local, peer, timeout, reset, signal
	TLS                            tlsconn.Facts
}

// drainLimit is how long a connection that is closed in order is still read, so
// that bytes in flight from the peer cause no reset.
const drainLimit = time.Second

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
func (s *Server) longestLine() int { return cmp.Or(s.MaxLine, math.MaxInt) }

// lines reports whether the server works line by line.
func (s *Server) lines() bool { return s.Lines || s.Control }

// plain reports whether connections are only echoed, which the fast path can do.
func (s *Server) plain() bool {
	return s.Service == Echo && s.Greeting == "" && s.Suffix == "" && s.Reply == nil && !s.lines() && !s.CloseAfterReply && s.Script == nil && s.To == nil && !s.Faults.any()
}
