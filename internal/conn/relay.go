package conn

import (
	"context"
	"time"
)

// A Relay is a conversation between a local and a remote Stream: what is read
// from one is written to the other, both ways at once, and each end of file is
// passed on. Neither direction ever waits for the other.
//
// When it ends:
//
//  1. EOF of Local's input half-closes Remote at once; what the peer still sends is
//     received.
//  2. EOF from the peer ends Local's output at once; Local's input is still sent,
//     for the peer may have half-closed only.
//  3. Run returns when both directions have ended and the peer's kernel has
//     acknowledged every byte and our FIN, or a Unix peer has read every byte; only
//     then they count as delivered.
//  4. It returns earlier, at once, when receiving fails, when Local's output
//     fails or its reader has left, when a limit passes or ctx ends, with
//     EndWithPeer when the peer has ended, and without EndWithLocal when the peer
//     is gone after its EOF: input that a pause holds back is then not delivered.
//  5. A failed send does not end it: what the peer still sends is received, unless
//     the connection still exists and our own kernel has failed. To a [DatagramPeer]
//     the next datagrams are sent, too.
//     A failed read of Local, or a failed write of Local while input is still to be
//     sent, resets the connection, so that the peer does not take half an upload
//     for a whole one.
//  6. It closes in order: an early end writes out what has been received and waits
//     for no more; what Local's output did not take in time is reported.
//  7. If Local has failed with EIO, as a terminal does whose window is closed, a
//     signal that follows at once takes precedence over that failure.
//
// [Result] reports the first thing that went wrong.
type Relay struct {
	// Local and Remote are the two sides. Run finds what they wrap (Unwrap, NetConn):
	// a [Socket], for whose acknowledgements it waits and which it closes, or [Stdio],
	// whose reader it watches. If Local is read by several relays in turn, Run calls
	// its methods PeerEnded when the peer has ended, and Yield when it reads no more.
	Local, Remote Stream
	// Peer names Remote in errors. To names Local in errors, if Local is a connection,
	// too. Half-closes and resets are then passed on both ways, and both sides have to
	// acknowledge.
	Peer, To string

	// Idle is how long no byte may move in either direction; 0 is no limit.
	Idle time.Duration
	// QuitAfter is how long the conversation may last once Local's input has
	// ended; 0 ends it as soon as all is acknowledged, nil or negative is no limit. While
	// [Datagrams] wait for answers, or those come, it goes on.
	QuitAfter *time.Duration
	// QuitAfterPeer is how long Local's input may last once the peer has ended;
	// 0 ends it at once, nil or negative is no limit.
	QuitAfterPeer *time.Duration
	// Shutdown is what the end of Local's input does to the socket.
	Shutdown Shutdown
	// SendOnly discards what the peer sends, leaves Local's output alone, and
	// ends when everything is sent and acknowledged.
	SendOnly bool
	// RecvOnly never reads Local, and half-closes when the peer has.
	RecvOnly bool
	// EndWithPeer ends the conversation when the peer has ended, as a person at
	// a terminal expects.
	EndWithPeer bool
	// EndWithLocal ends the conversation when Local has ended and all it sent is
	// acknowledged, and not when the peer is gone: a command may yet write.
	EndWithLocal bool
	// Waiting, if set, is called once the peer has ended and Local's input has gone
	// on for 2 s.
	Waiting func()
	// Tally, if set, counts the conversation.
	Tally *Tally
	// OnPanic, if set, is deferred in the goroutines that copy, for what must
	// happen even if one of them panics.
	OnPanic func()

	progress      Progress
	send, receive direction // from Local to Remote, and back
}

// A Shutdown is what the end of Local's input does to the connection.
type Shutdown int

const (
	// ShutWrite shuts the sending half down, Python's SHUT_WR.
	ShutWrite Shutdown = iota
	// ShutBoth ends receiving, too, Python's SHUT_RDWR.
	ShutBoth
	// ShutNone does nothing: the peer is to end the conversation. With To, the end of
	// what the peer sends does nothing, and Local is to end the conversation.
	ShutNone
)

// A Result is how a conversation ended.
type Result struct {
	// Sent counts the bytes that the kernel accepted for the peer, Received those
	// that came from it.
	Sent, Received int64
	// Uncounted is set if Sent and Received are not known.
	Uncounted bool
	// Unacknowledged counts the bytes read from Local that the peer's kernel is
	// not known to have; Unsent, of those, the ones that our kernel never got.
	Unacknowledged, Unsent int64
	// Undelivered counts the bytes received that Local, where it is a connection,
	// is not known to have.
	Undelivered int64
	// Dropped counts the datagrams that a receive buffer of ours had no room for.
	Dropped int64
	// Duration is how long the conversation lasted, and FirstByte how long it
	// took until the peer's first byte (0 if none came).
	Duration, FirstByte time.Duration
	// EndedBy is local, peer, timeout, reset or signal.
	EndedBy string
	// Err is the first thing that went wrong; nil if all was delivered both
	// ways and the conversation ended in order.
	Err error
}

// Counts returns the bytes moved so far; it may be called at any time.
func (r *Relay) Counts() (sent, received int64) { return r.send.written.Load(), r.receive.read.Load() }

// Run holds the conversation, once. If ctx ends, its cause is the result's error.
//
// A read of Local that blocks may outlive Run: standard input cannot be interrupted.
func (r *Relay) Run(ctx context.Context) Result {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if r.Tally != nil {
		defer r.Tally.Add(r.Peer, r.Counts)()
	}
	c := newConversation(r)
	c.begin(ctx)
	for !c.over {
		c.next(ctx)
		c.settle(ctx)
	}
	c.awaitSignal(ctx)
	c.close()
	return c.result()
}
