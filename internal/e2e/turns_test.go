package e2e

import (
	"io"
	"strings"
	"testing"
)

// expect reads text from a peer's connection.
func expect(t *testing.T, c io.Reader, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if n, err := io.ReadFull(c, got); string(got) != text {
		t.Fatalf("%q, %v, want %q", got[:n], err, text)
	}
}

// Standard input belongs to one peer at a time: to the first and, when that
// conversation is over, to the one that has waited longest; what is read while
// none is there waits for the next.
func TestTurns(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, network string) {
		stdin, hold := pipe(t)
		p, address := listener(t, network, stdin, "-kv")
		one := dialTest(t, network, address)
		p.err.awaitLines(t, 2)
		two := dialTest(t, network, address)
		p.err.awaitLines(t, 3)
		three := dialTest(t, network, address)
		p.err.awaitLines(t, 4)

		_, _ = io.WriteString(hold, "first")
		expect(t, one, "first")
		_, _ = io.WriteString(two, "two is heard")
		p.out.await(t, "two is heard")
		resetNow(one)
		p.err.await(t, "ended by")

		_, _ = io.WriteString(hold, "second")
		expect(t, two, "second")

		// One that waits and has ended is answered by an end, and not waited for.
		_, _ = io.WriteString(three, "three is heard")
		_ = three.CloseWrite()
		if got := readAll(three); got != "" {
			t.Errorf("a peer that waits got %q", got)
		}
		p.out.await(t, "three is heard")
		resetNow(two)
		p.err.await(t, "sent 6 bytes")

		four := dialTest(t, network, address)
		_, _ = io.WriteString(hold, "fourth")
		expect(t, four, "fourth")

		// At its end it ends for the peer whose turn it is, and for all others.
		five := dialTest(t, network, address)
		_, _ = io.WriteString(five, "five")
		p.out.await(t, "five")
		_, _ = io.WriteString(hold, "last")
		hold.Close()
		if got := readAll(four); got != "last" {
			t.Errorf("the one whose turn it is got %q", got)
		}
		if got := readAll(five); got != "" {
			t.Errorf("the one that waits got %q", got)
		}
		six := dialTest(t, network, address)
		if got := readAll(six); got != "" {
			t.Errorf("a later one got %q", got)
		}
		_, _ = io.WriteString(six, "is heard all the same")
		p.out.await(t, "is heard all the same")
		_, _ = four.CloseWrite(), five.CloseWrite()
		_ = six.CloseWrite()
		interrupt(t, p)
	})
}

// One that waits is not kept after its end either when nothing of it is wanted.
func TestTurnsSendOnly(t *testing.T) {
	t.Parallel()
	stdin, hold := pipe(t)
	p, address := listener(t, "tcp", stdin, "-kv", "--send-only")
	one := dialTest(t, "tcp", address)
	p.err.awaitLines(t, 2)
	two := dialTest(t, "tcp", address)
	p.err.awaitLines(t, 3)
	_ = two.CloseWrite()
	if got := readAll(two); got != "" {
		t.Errorf("a peer that waits got %q", got)
	}
	_, _ = io.WriteString(hold, "first")
	expect(t, one, "first")
	hold.Close()
	interrupt(t, p)
}

// A file goes to the first visitor, and the others get an end at once.
func TestTurnsOfAFile(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789", 50000)
	p, address := listener(t, "tcp", input(t, text), "-k")
	for i, want := range []string{text, "", ""} {
		c := dialTest(t, "tcp", address)
		if got := readAll(c); got != want {
			t.Errorf("visitor %d got %d bytes, want %d", i, len(got), len(want))
		}
		c.Close()
	}
	interrupt(t, p)
}

// -Q says how long a peer keeps standard input after its own end.
func TestTurnsQuitAfterPeer(t *testing.T) {
	t.Parallel()
	stdin, hold := pipe(t)
	p, address := listener(t, "tcp", stdin, "-kv", "-Q", "0")
	one := dialTest(t, "tcp", address)
	p.err.awaitLines(t, 2)
	two := dialTest(t, "tcp", address)
	p.err.awaitLines(t, 3)
	_ = one.CloseWrite() // and goes on reading
	if got := readAll(one); got != "" {
		t.Errorf("%q", got)
	}
	_, _ = io.WriteString(hold, "handed on")
	expect(t, two, "handed on")
	hold.Close()
	_ = two.CloseWrite()
	interrupt(t, p)

	// Without it a half-closed peer keeps it.
	stdin, hold = pipe(t)
	p, address = listener(t, "tcp", stdin, "-kv")
	one = dialTest(t, "tcp", address)
	p.err.awaitLines(t, 2)
	two = dialTest(t, "tcp", address)
	p.err.awaitLines(t, 3)
	_ = one.CloseWrite()
	_, _ = io.WriteString(hold, "kept")
	hold.Close()
	if got := readAll(one); got != "kept" {
		t.Errorf("%q", got)
	}
	if got := readAll(two); got != "" {
		t.Errorf("%q", got)
	}
	_ = two.CloseWrite()
	interrupt(t, p)
}

// What was read for a peer that had left is reported, and the next gets what
// comes after it.
func TestTurnsLost(t *testing.T) {
	t.Parallel()
	stdin, hold := pipe(t)
	p, address := listener(t, "tcp", stdin, "-k")
	one := dialTest(t, "tcp", address)
	_, _ = io.WriteString(hold, "hello")
	expect(t, one, "hello")
	one.Close() // looks like a half-close until something is sent
	two := dialTest(t, "tcp", address)
	_, _ = io.WriteString(two, "here")
	p.out.await(t, "here")
	_, _ = io.WriteString(hold, "for the one that has gone")
	p.err.await(t, "of them not delivered")
	_, _ = io.WriteString(hold, "for the next")
	expect(t, two, "for the next")
	hold.Close()
	_ = two.CloseWrite()
	interrupt(t, p)
}
