package conn

import "time"

// The timings of this package, each with its reason and the test that needs it.

// Connecting and listening.
const (
	// stagger is the pause after which the next address is tried beside those that have
	// not answered yet (RFC 8305, section 5: Connection Attempt Delay). (TestRace)
	stagger = 250 * time.Millisecond
	// Pauses between tries while Retry lasts. (TestRetry)
	retryFirst = 50 * time.Millisecond
	retryMost  = time.Second
	// Pauses between looks at a full Unix backlog, of which Linux reports nothing.
	// (TestConnectUnixBacklog)
	backlogFirst = time.Millisecond
	backlogMost  = 50 * time.Millisecond
	// lookupMost is how long a listener's own name may take to be looked up: as long
	// as a client has to connect. (TestListenLookup)
	lookupMost = 10 * time.Second
	// lockMost is how long the directory of a stale Unix socket may be locked by
	// another process, and lockPause when to ask again. (TestStaleLocked)
	lockMost  = 2 * time.Second
	lockPause = 2 * time.Millisecond
)

// A conversation.
const (
	// punctual is how late a timer may fire in a process that runs. If it is later, the
	// process was stopped (SIGSTOP) or starved, and input that came in time may still
	// have to be read before a limit counts as passed. (TestRelayStopped)
	punctual = time.Millisecond
	// watchOutput is how long a conversation lasts before the reader of its output is
	// watched: most are over by then, and a watcher costs a thread.
	// (TestOutputReaderLeaves)
	watchOutput = 10 * time.Millisecond
	// inputPatience is how long input may go on after the peer's end before Waiting
	// is called: a person wonders then. (TestWaitingHint)
	inputPatience = 2 * time.Second
	// hangupDelay is how long after its terminal has failed a process may get the
	// SIGHUP: the kernel sends it to the leader of the session, a shell, which passes
	// it on. (TestRelayHangsUp)
	hangupDelay = 100 * time.Millisecond
	// hangupPause is the pause before the next check of a peer that hung up while
	// standard input has data, and hangupLooks how often: the reader may be in a pause
	// between lines. (TestResetUnixPeerClosesAtOnce)
	hangupPause = 5 * time.Millisecond
	hangupLooks = 20
	// Pauses between looks at a queue whose emptying the kernel does not report.
	// (TestSocketAcknowledgedUnix, TestPeerDoesNotRead)
	queueFirst = time.Millisecond
	queueMost  = 50 * time.Millisecond
	// briskWait bounds a wait for datagrams in poll(2); a deadline or Close is noticed up
	// to that much later. (TestDatagramBriskEnds)
	briskWait = time.Millisecond
	// busyPause is the pause between tries on a full transmit queue of CAN, which poll(2)
	// does not wait for: about the time of four frames at 500 kbit/s. (TestGuestCANFaults)
	busyPause = time.Millisecond
	// backgroundPause is the pause between checks whether we are in the terminal's
	// foreground. (TestTerminalBackground)
	backgroundPause = 50 * time.Millisecond
)

// PeerMemory is how long a datagram peer that is forwarded is known without a datagram in
// either direction, unless an idle limit is set. (TestForwardDatagrams)
const PeerMemory = time.Minute

// How long an early end gives what has already arrived to be written out.
// (TestNetworkVanish, TestJoinClock)
const (
	drainRead  = 20 * time.Millisecond  // to read it from the kernel
	drainStuck = 100 * time.Millisecond // for the output to take a part of it
	drainMost  = 2 * time.Second        // in all
)
