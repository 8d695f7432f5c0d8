package conn

import "time"

// The timings of this package, each with its reason and the test that needs it.

// Connecting and listening.
const (
	// stagger is the pause after which the next address is tried beside those that
	// have not answered yet (RFC 8305, section 5: Connection Attempt Delay).
	// (TestRace)
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
	// punctual is how late a timer may be and report nothing. One that is later fires
	// in a process that did not run: it was stopped (SIGSTOP), or starved. What came
	// meanwhile waits to be read, and a limit that passed has not seen it.
	// (TestRelayStopped)
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
	// hangupPause is when a peer that hung up is looked at again because standard
	// input waits to be read, and hangupLooks how often: a pause of -i may hold its
	// reader. (TestResetUnixPeerClosesAtOnce)
	hangupPause = 5 * time.Millisecond
	hangupLooks = 20
	// errnoDelay is how long a pump may take to keep the errno that it got: of a
	// connection that timed out it must not be said that its peer reset it.
	// (TestSettledAfterAnotherWasTold, TestNetworkVanishUpload)
	errnoDelay = 20 * time.Millisecond
	// Pauses between looks at a queue whose emptying the kernel does not report.
	// (TestSocketAcknowledgedUnix)
	queueFirst = time.Millisecond
	queueMost  = 50 * time.Millisecond
	// backgroundPause is how long it may take to notice that we have come to the
	// terminal's foreground. (TestTerminalBackground)
	backgroundPause = 50 * time.Millisecond
)

// How long an early end gives what has already arrived to be written out.
// (TestNetworkVanish, TestJoinClock)
const (
	drainRead  = 20 * time.Millisecond  // for the kernel to hand it over
	drainStuck = 100 * time.Millisecond // for the output to take a part of it
	drainMost  = 2 * time.Second        // in all
)
