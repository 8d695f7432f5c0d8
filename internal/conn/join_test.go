package conn

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// noise is n bytes that do not repeat.
func noise(n int) []byte {
	p := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(p)
	return p
}

// joined joins two connections and returns their far ends: the peer's and that of
// what the relay calls Local.
func joined(t *testing.T, remote, local string, relay *Relay) (peer, to *Socket, done chan Result) {
	t.Helper()
	p, r := socketPair(t, remote)
	q, l := socketPair(t, local)
	relay.Remote, relay.Local, relay.Peer, relay.To = r, l, "peer", "to"
	done = make(chan Result, 1)
	go func() { done <- relay.Run(t.Context()) }()
	return p, q, done
}

var joints = [][2]string{{"tcp", "tcp"}, {"tcp", "unix"}, {"unix", "tcp"}, {"unix", "unix"}}

// All bytes pass both ways, and each end is passed on alone.
func TestJoin(t *testing.T) {
	question, answer := noise(5<<20+1), noise(3<<20+7)
	for _, nets := range joints {
		relay := &Relay{}
		peer, to, done := joined(t, nets[0], nets[1], relay)
		go func() {
			_, _ = peer.Write(question)
			_ = peer.CloseWrite()
		}()
		got, err := io.ReadAll(to)
		if err != nil || !bytes.Equal(got, question) {
			t.Errorf("%v: %d bytes arrived: %v", nets, len(got), err)
		}
		go func() { // after the other direction has ended
			_, _ = to.Write(answer)
			_ = to.CloseWrite()
		}()
		got, err = io.ReadAll(peer)
		if err != nil || !bytes.Equal(got, answer) {
			t.Errorf("%v: %d bytes came back: %v", nets, len(got), err)
		}
		r := <-done
		if r.Err != nil || r.Sent != int64(len(answer)) || r.Received != int64(len(question)) || r.EndedBy != "peer" || r.Unacknowledged+r.Undelivered != 0 {
			t.Errorf("%v: %+v", nets, r)
		}
	}
}

// Neither direction waits for the other: one side that never reads does not hold
// back what it sends.
func TestJoinIndependent(t *testing.T) {
	for _, nets := range joints {
		relay := &Relay{}
		peer, to, done := joined(t, nets[0], nets[1], relay)
		go func() { _, _ = peer.Write(make([]byte, 64<<20)) }() // to never reads it
		for _, received := relay.Counts(); received == 0; _, received = relay.Counts() {
			time.Sleep(time.Millisecond)
		}
		go func() {
			_, _ = to.Write(noise(4 << 20))
			_ = to.CloseWrite()
		}()
		if got, err := io.ReadAll(peer); err != nil || len(got) != 4<<20 {
			t.Errorf("%v: %d bytes: %v", nets, len(got), err)
		}
		_ = to.Close()
		if r := <-done; r.Err == nil {
			t.Errorf("%v: nothing is said of what was not delivered: %+v", nets, r)
		}
	}
}

// A reset of either side reaches the other as a reset, and is reported with the
// side.
func TestJoinReset(t *testing.T) {
	for _, from := range []string{"peer", "to"} {
		relay := &Relay{}
		peer, to, done := joined(t, "tcp", "tcp", relay)
		broken, other := peer, to
		if from == "to" {
			broken, other = to, peer
		}
		if _, err := io.WriteString(broken, "part"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(other, make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
		_ = broken.Reset()
		if _, err := other.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("reset by %s: the other side got %v", from, err)
		}
		r := <-done
		if e, ok := errors.AsType[*Error](r.Err); !ok || e.Why != ResetByPeer || r.EndedBy != "reset" || !strings.Contains(e.Error(), "receive from "+from+" after 4 bytes") {
			t.Errorf("reset by %s: %+v", from, r)
		}
	}
}

// What one side says before it stops taking reaches the other, and so does the
// news that not all was taken.
func TestJoinLastWords(t *testing.T) {
	for _, from := range []string{"peer", "to"} {
		peer, to, done := joined(t, "tcp", "tcp", &Relay{})
		refuses, other := to, peer
		if from == "to" {
			refuses, other = peer, to
		}
		uploaded := make(chan error, 1)
		go func() { // until it is reset
			_, err := io.Copy(other, endlessZeros{})
			uploaded <- err
		}()
		if _, err := io.ReadFull(refuses, make([]byte, 100_000)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(refuses, "413"); err != nil {
			t.Fatal(err)
		}
		_ = refuses.Close() // with bytes unread: a reset
		words := make([]byte, 3)
		if _, err := io.ReadFull(other, words); err != nil || string(words) != "413" {
			t.Errorf("upload from %s: %q, %v", from, words, err)
		}
		if err := <-uploaded; err == nil {
			t.Error("the upload ended well")
		}
		if r := <-done; r.Err == nil || r.EndedBy != "reset" {
			t.Errorf("upload from %s: %+v", from, r)
		}
	}
}

type endlessZeros struct{}

func (endlessZeros) Read(p []byte) (int, error) { return len(p), nil }

// A clock ends both sides in order, and what had arrived has been passed on.
func TestJoinClock(t *testing.T) {
	peer, to, done := joined(t, "tcp", "tcp", &Relay{Idle: 200 * time.Millisecond})
	_, _ = io.WriteString(peer, "question")
	_, _ = io.WriteString(to, "answer")
	question, err := io.ReadAll(to)
	if err != nil || string(question) != "question" {
		t.Errorf("%q, %v", question, err)
	}
	answer, err := io.ReadAll(peer)
	if err != nil || string(answer) != "answer" {
		t.Errorf("%q, %v", answer, err)
	}
	if r := <-done; r.EndedBy != "timeout" {
		t.Errorf("%+v", r)
	}
}

// What a peer has sent to a server that has closed is not lost in silence.
func TestJoinServerGone(t *testing.T) {
	for range 20 {
		peer, remote := socketPair(t, "tcp")
		to, local := socketPair(t, "unix")
		_, _ = io.WriteString(peer, "late")
		_ = to.Close()
		relay := &Relay{Remote: remote, Peer: "peer", Local: local, To: "to"}
		if r := relay.Run(t.Context()); r.Err == nil || r.Received != 4 {
			t.Errorf("%+v", r)
		}
	}
}

// A Unix server that answers and closes has ended, no more: the peer gets the
// answer and an end in order.
func TestJoinServerCloses(t *testing.T) {
	for range 20 {
		peer, to, done := joined(t, "tcp", "unix", &Relay{})
		_, _ = io.WriteString(peer, "question")
		_, _ = io.ReadFull(to, make([]byte, 8))
		_, _ = io.WriteString(to, "answer")
		_ = to.Close()
		if answer, err := io.ReadAll(peer); err != nil || string(answer) != "answer" {
			t.Errorf("%q, %v", answer, err)
		}
		_ = peer.Close()
		if r := <-done; r.Err != nil {
			t.Errorf("%+v", r)
		}
	}
}

// Whatever the sizes and the order in which the two sides write, pause and end, every
// byte arrives, copied or spliced.
func TestJoinRandom(t *testing.T) {
	for seed := range uint64(12) {
		nets := joints[seed%4]
		peer, to, done := joined(t, nets[0], nets[1], &Relay{})
		var sides sync.WaitGroup
		for i, pair := range [2][2]*Socket{{peer, to}, {to, peer}} {
			want := noise(int(rand.New(rand.NewPCG(seed, uint64(i))).Int64N(3 << 20)))
			sides.Go(func() {
				random := rand.New(rand.NewPCG(seed, uint64(i)+2))
				for rest := want; len(rest) > 0; {
					n := min(1+random.IntN(1<<(4+random.IntN(17))), len(rest))
					_, _ = pair[0].Write(rest[:n])
					rest = rest[n:]
					if random.IntN(8) == 0 {
						runtime.Gosched()
					}
				}
				_ = pair[0].CloseWrite()
			})
			sides.Go(func() {
				if got, err := io.ReadAll(pair[1]); err != nil || !bytes.Equal(got, want) {
					t.Errorf("seed %d, %v, direction %d: %d of %d bytes: %v", seed, nets, i, len(got), len(want), err)
				}
			})
		}
		sides.Wait()
		if r := <-done; r.Err != nil || r.Unacknowledged+r.Undelivered != 0 {
			t.Errorf("seed %d, %v: %+v", seed, nets, r)
		}
	}
}
