package e2e

import (
	"io"
	"strings"
	"testing"
)

// longestLine is how many bytes of a line --chat passes on at once.
const longestLine = 4 << 10

// gathered opens n connections to a broker, one after the other, and waits until
// it knows them all.
func gathered(t *testing.T, p *proc, address string, n int) []halfConn {
	t.Helper()
	members := make([]halfConn, n)
	for i := range members {
		members[i] = dialTest(t, "tcp", address)
		p.err.await(t, members[i].LocalAddr().String()+" hears the others")
	}
	return members
}

// told reads exactly want.
func told(t *testing.T, c io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("heard %.200q (%d bytes), %v, want %.200q", got[:n], n, err, want)
	}
}

func say(t *testing.T, c io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// TestBroker: what one peer sends goes to all the others, and not to itself, to
// standard output or, from standard input, to a peer.
func TestBroker(t *testing.T) {
	t.Parallel()
	stdin, hold := pipe(t)
	say(t, hold, "not for you")
	p, address := listener(t, "tcp", stdin, "-vvk", "--broker")
	m := gathered(t, p, address, 3)
	say(t, m[0], "from 0\n")
	told(t, m[1], "from 0\n")
	told(t, m[2], "from 0\n")
	say(t, m[2], "\x00\xff no line")
	told(t, m[0], "\x00\xff no line")
	told(t, m[1], "\x00\xff no line")
	// One that has said all goes on listening; one that has left is no trouble.
	if err := m[1].CloseWrite(); err != nil {
		t.Fatal(err)
	}
	resetNow(m[2])
	p.err.await(t, m[2].LocalAddr().String()+": sent")
	say(t, m[0], "more")
	told(t, m[1], "more")
	if p.out.String() != "" {
		t.Errorf("standard output is %q", p.out)
	}
}

// TestBrokerSlow: one that does not read is dropped, with a line, and the others
// get every byte. They read part by part, so that they keep up however busy the
// machine is.
func TestBrokerSlow(t *testing.T) {
	t.Parallel()
	p, address := listener(t, "tcp", nil, "-vvk", "--broker")
	m := gathered(t, p, address, 4)
	dropped := m[3].LocalAddr().String() + ": dropped: it does not keep up"
	part := strings.Repeat("0123456789abcdef", 1<<14)
	for n := 0; !strings.Contains(p.err.String(), dropped); n += len(part) {
		if n > 100<<20 { // much more than all queues on the way to m[3] hold
			t.Fatalf("it was never dropped: %q", p.err)
		}
		say(t, m[0], part)
		told(t, m[1], part)
		told(t, m[2], part)
	}
}

// TestBrokerTLS: peers with and without much to say, over TLS.
func TestBrokerTLS(t *testing.T) {
	t.Parallel()
	p, address := listener(t, "tcp", nil, "-vvk", "-c", "--broker")
	in1, hold1 := pipe(t)
	one := start(t, in1, "-vc", "--tls-insecure", address)
	one.err.await(t, "connected to")
	in2, hold2 := pipe(t)
	two := start(t, in2, "-vc", "--tls-insecure", address)
	two.err.await(t, "connected to")
	p.err.await(t, "hears the others (peer 2)")
	say(t, hold2, "hello one\n")
	one.out.await(t, "hello one\n")
	say(t, hold1, "hello two\n")
	two.out.await(t, "hello two\n")
}

// TestChat: names in front of lines, and nothing in a line that could be taken
// for another or do anything to a terminal.
func TestChat(t *testing.T) {
	t.Parallel()
	p, address := listener(t, "tcp", nil, "-vk", "--chat")
	a := dialTest(t, "tcp", address)
	told(t, a, "* you are user1\n")
	b := dialTest(t, "tcp", address)
	told(t, b, "* you are user2, with 1 more\n")
	told(t, a, "* user2 has joined\n")
	say(t, a, "hel")
	say(t, a, "lo\r\nsecond li")
	told(t, b, "<user1> hello\n")
	say(t, a, "ne\n")
	told(t, b, "<user1> second line\n")
	say(t, b, "\x1b[2J\r<user1> forged\x07 äöü \xff\u202e\n")
	told(t, a, `<user2> ^[[2J^M<user1> forged^G äöü \xff\xe2\x80\xae`+"\n")
	say(t, b, strings.Repeat("x", longestLine+10)+"\n")
	told(t, a, "<user2> "+strings.Repeat("x", longestLine)+"\n<user2> "+strings.Repeat("x", 10)+"\n")
	say(t, b, "\n")
	told(t, a, "<user2> \n")
	say(t, b, "unfinished")
	if err := b.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	told(t, a, "<user2> unfinished\n")
	say(t, a, "still there?\n")
	told(t, b, "<user1> still there?\n")
	resetNow(b)
	told(t, a, "* user2 has left\n")
	c := dialTest(t, "tcp", address)
	told(t, c, "* you are user3, with 1 more\n")
	told(t, a, "* user3 has joined\n")
	if p.out.String() != "" {
		t.Errorf("standard output is %q", p.out)
	}
}

// TestChatLongLines: a line that is told in several loses nothing by it, tears
// no character apart, and ends no line that no peer has ended.
func TestChatLongLines(t *testing.T) {
	t.Parallel()
	_, address := listener(t, "tcp", nil, "-k", "--chat")
	a := dialTest(t, "tcp", address)
	told(t, a, "* you are user1\n")
	b := dialTest(t, "tcp", address)
	told(t, b, "* you are user2, with 1 more\n")
	told(t, a, "* user2 has joined\n")
	for torn := range 3 {
		begin := strings.Repeat("x", longestLine-1-torn)
		say(t, b, begin+"\u20ac end\n") // a sign of three bytes
		if torn < 2 {
			told(t, a, "<user2> "+begin+"\n<user2> \u20ac end\n")
		} else {
			told(t, a, "<user2> "+begin+"\u20ac\n<user2>  end\n")
		}
	}
	full := strings.Repeat("y", longestLine)
	for _, line := range []string{full, full[1:] + "\r"} {
		say(t, b, line)
		told(t, a, "<user2> "+strings.TrimSuffix(line, "\r")+"\n")
		say(t, b, "\nnext\n")
		told(t, a, "<user2> next\n")
	}
	say(t, b, full[1:]+"\r")
	told(t, a, "<user2> "+full[1:]+"\n")
	say(t, b, "\xff\n")
	told(t, a, `<user2> ^M\xff`+"\n")
	say(t, b, full[1:]+"\xe2")
	told(t, a, "<user2> "+full[1:]+"\n")
	say(t, b, "\n")
	told(t, a, `<user2> \xe2`+"\n")
}

// TestBrokerCRLF: the options that look at the bytes hold for what a peer hears.
func TestBrokerCRLF(t *testing.T) {
	t.Parallel()
	p, address := listener(t, "tcp", nil, "-vvkC", "--broker")
	m := gathered(t, p, address, 2)
	say(t, m[0], "line\n")
	told(t, m[1], "line\r\n")
}
