package conn

import "time"

// The timings of the relay: each with its reason, and the test that needs it.
const (
	// watchOutput is how long a conversation lasts before it is watched whether the
	// reader of its output leaves: most are over by then, and a watcher costs a
	// thread. (TestOutputReaderLeaves)
	watchOutput = 10 * time.Millisecond
	// hangupDelay is how long after its terminal has failed a process may get the
	// SIGHUP: the kernel sends it to the leader of the session, a shell, which passes
	// it on. (TestRelayHangsUp)
	hangupDelay = 100 * time.Millisecond
	// hangupPause is when a peer that hung up is looked at again because standard
	// input waits to be read, and hangupLooks how often: a pause of -i may hold its
	// reader. (TestBrokenUnixPeerClosesAtOnce)
	hangupPause = 5 * time.Millisecond
	hangupLooks = 20
	// errnoDelay is how long a pump may take to keep the errno that it got: of a
	// connection that timed out it must not be said that its peer reset it.
	// (TestSettledAfterAnotherWasTold, TestFaultVanishUpload)
	errnoDelay = 20 * time.Millisecond
)

// How long an early end gives what has already arrived to be written out.
// (TestFaultVanish)
const (
	drainRead  = 20 * time.Millisecond  // for the kernel to hand it over
	drainStuck = 100 * time.Millisecond // for the output to take a part of it
	drainMost  = 2 * time.Second        // in all
)
