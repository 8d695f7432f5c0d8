package echo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"gcat/internal/conn"
)

// serveOne serves one end of a pipe and returns the other. The server must end
// before the test does.
func serveOne(t *testing.T, s *Server) net.Conn {
	t.Helper()
	peer, ours := net.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int, 1)
	go func() { done <- s.Serve(ctx, 0, []Socket{{Handed: conn.Handed{Conn: ours}, Name: "pipe"}}) }()
	t.Cleanup(func() {
		peer.Close()
		cancel()
		<-done
	})
	return peer
}

func exchange(t *testing.T, c net.Conn, text, want string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

func remains(t *testing.T, c net.Conn) string {
	t.Helper()
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestConversation(t *testing.T) {
	reply := Template("{n}:{line}{x}")
	for name, test := range map[string]struct {
		server     *Server
		send, want string
	}{
		"echo":          {&Server{}, "a\nb", "a\nb"},
		"suffix":        {&Server{Suffix: "!"}, "abc", "abc!"},
		"reply":         {&Server{Reply: &reply}, "abc", "1:abc{x}"},
		"greeting":      {&Server{Greeting: "hi "}, "abc", "hi abc"},
		"lines":         {&Server{Lines: true, Suffix: "!"}, "a\nb\n", "a\n!b\n!"},
		"reply, lines":  {&Server{Lines: true, Reply: &reply}, "a\r\nb\n", "1:a{x}2:b{x}"},
		"line too long": {&Server{Lines: true, MaxLine: 3}, "ab\nabc\n", "ab\n"},
		"control":       {&Server{Control: true, ParseDuration: time.ParseDuration}, "set time 5s\nset x\nexit\nz\n", "set time 5s\nerror: bad control line \"set x\": want \"set time N\" or \"exit\"\n"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := test.server
				peer := serveOne(t, s)
				var got bytes.Buffer
				go func() { _, _ = peer.Write([]byte(test.send)) }()
				buf := make([]byte, 1000)
				_ = peer.SetReadDeadline(time.Now().Add(time.Second))
				for {
					n, err := peer.Read(buf)
					got.Write(buf[:n])
					if err != nil {
						break
					}
				}
				if got.String() != test.want {
					t.Errorf("got %q, want %q", got.String(), test.want)
				}
			})
		})
	}
}

func TestTemplate(t *testing.T) {
	m := message{data: []byte("a{b}\r\n"), remote: "r", local: "l", n: 7}
	for text, want := range map[string]string{
		"":                          "",
		"plain":                     "plain",
		"{data}":                    "a{b}\r\n",
		"<{line}>":                  "<a{b}>",
		"{remote}-{local}":          "r-l",
		"{n}{n}":                    "77",
		`{"ok":{n}}`:                `{"ok":7}`,
		"{nothing} {} { } {{n}} {n": "{nothing} {} { } {7} {n",
	} {
		if got := string(Template(text).append(nil, m)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	stamp := string(Template("{time}").append(nil, m))
	if _, err := time.Parse(time.RFC3339Nano, stamp); err != nil {
		t.Error(err)
	}
}

func TestPattern(t *testing.T) {
	want := make([]byte, 3*cycleLength)
	for i := range want {
		line, column := i/lineLength%95, i%lineLength
		switch column {
		case lineWidth:
			want[i] = '\r'
		case lineWidth + 1:
			want[i] = '\n'
		default:
			want[i] = byte(' ' + (line+column)%95)
		}
	}
	for offset := 0; offset < 2*cycleLength; offset += 997 {
		if got := patternAt(int64(offset), 500); !bytes.Equal(got, want[offset:offset+500]) {
			t.Fatalf("offset %d: %q", offset, got)
		}
	}
	if n := len(patternAt(cycleLength-1, sourceChunk)); n != sourceChunk {
		t.Errorf("%d bytes in one piece", n)
	}
}

func TestTimestamp(t *testing.T) {
	// The example of RFC 868.
	if got := timestamp(time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)); !bytes.Equal(got, []byte{0x83, 0xaa, 0x7e, 0x80}) {
		t.Errorf("% x", got)
	}
}

// The budget of a run is not renewed while it goes on, however slowly: only
// silence ends it.
func TestLoopGuard(t *testing.T) {
	second := int64(time.Second)
	for _, pace := range []int64{second / 10_000, second / 500, second, 9 * second} {
		g := newLoopGuard(100)
		now, passed := 100*second, 0
		for range 1000 { // a loop: what is not answered does not come again
			if !g.allows([]byte("a"), []byte("same"), now) {
				break
			}
			passed++
			now += pace
		}
		if passed != 100 {
			t.Errorf("%d of a loop of %v were answered", passed, time.Duration(pace))
		}
		if !g.allows([]byte("b"), []byte("same"), now) {
			t.Error("another address was held back")
		}
		for i := range 2000 {
			if !g.allows([]byte("a"), []byte{byte(i), byte(i >> 8)}, now) {
				t.Fatal("distinct datagrams were held back")
			}
		}
	}
	g := newLoopGuard(2)
	for i, want := range []bool{true, true, false, false, true, true, false} { // a client that goes on all the same
		if got := g.allows([]byte("a"), []byte("same"), 100*second+int64(i)*4*second); got != want {
			t.Errorf("datagram %d: %v", i, got)
		}
	}
}

func TestSlots(t *testing.T) {
	over := make(chan struct{})
	g := newSlots(2, 0, 3, func() { close(over) })
	if first, second, third := g.take(false), g.take(false), g.take(false); !first || !second || third {
		t.Fatal("two places")
	}
	changed := make(chan struct{})
	go func() { g.wait(t.Context(), false); close(changed) }()
	g.returnSlot(false)
	<-changed
	if !g.take(false) {
		t.Fatal("a place was given back")
	}
	g.count()
	g.count()
	g.release(false)
	if !g.take(false) {
		t.Fatal("the third of three")
	}
	g.count()
	<-over
	g.release(false)
	if g.take(false) {
		t.Fatal("there were three already")
	}
}

// TLS connections in their handshake keep out others only where room is short, and
// wait for a slot behind it.
func TestSlotsSecure(t *testing.T) {
	g := newSlots(1, 3, 0, nil)
	if first, second, plain, fourth := g.take(true), g.take(true), g.take(false), g.take(true); !first || !second || !plain || fourth {
		t.Fatal("one slot, and room for two in a handshake")
	}
	ctx, end := context.WithCancel(t.Context())
	entered := make(chan bool)
	go func() { entered <- g.enter(ctx) }()
	g.release(false)
	if !<-entered || g.take(false) {
		t.Fatal("it waited for the slot, and has it")
	}
	go func() { entered <- g.enter(ctx) }()
	end()
	if <-entered {
		t.Fatal("it ended before it had a slot")
	}
}

// Many at once never exceed the places, and no client waits for ever.
func TestSlotsCrowd(t *testing.T) {
	g := newSlots(3, 0, 0, nil)
	var inside, most int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for !g.take(false) {
				g.wait(t.Context(), false)
			}
			mu.Lock()
			inside++
			most = max(most, inside)
			mu.Unlock()
			time.Sleep(time.Duration(rand.IntN(100)) * time.Microsecond)
			mu.Lock()
			inside--
			mu.Unlock()
			g.release(false)
		})
	}
	all.Wait()
	if most > 3 {
		t.Errorf("%d at once", most)
	}
}

// The faults of a connection depend on the seed and its number alone.
func TestPlan(t *testing.T) {
	f := &Faults{Corrupt: 0.5, Delays: []Delay{{Max: time.Second}}, Spared: 0.5, Seed: 1}
	throw := func(f *Faults, number int64) (all []any) {
		p := f.plan(number)
		for range 10 {
			all = append(all, !p.any(), p.chance(f.Corrupt), p.delay())
		}
		return all
	}
	spared := 0
	for number := range int64(1000) {
		one, two := throw(f, number), throw(f, number)
		for i := range one {
			if one[i] != two[i] {
				t.Fatalf("connection %d differs", number)
			}
		}
		if one[0] == true {
			spared++
		}
	}
	if spared < 400 || spared > 600 {
		t.Errorf("%d of 1000 spared", spared)
	}
	if got, want := *(&Faults{Limits: []Limit{{How: Close, Bytes: 20}, {How: Reset, Bytes: 10}, {How: Hang, Time: 1}}}).limit(), (Limit{How: Reset, Bytes: 10}); got != want {
		t.Errorf("%v", got)
	}
}

// A connection that is reset on purpose has its RST before the relay, which would
// send a FIN, is interrupted.
func TestResetBeforeFIN(t *testing.T) {
	for name, by := range map[string]func(*connection){
		"a limit": func(c *connection) { c.out.apply(Limit{How: Reset}) },
		"end of file": func(c *connection) {
			c.server.Faults.OnEOF, c.server.To = Reset, &Target{Down: true}
			_, _ = c.faultyClient().Read(make([]byte, 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			client, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			nc, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			c := (&Server{Report: func(Event) {}}).newConnection(nc, 1, Socket{})
			c.out.direction = "down"
			c.relayed = true
			context.AfterFunc(c.ctx, func() { _ = c.socket.CloseWrite() })
			_ = client.(*net.TCPConn).CloseWrite()
			by(c)
			if n, err := client.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the client read %d bytes, %v", n, err)
			}
		})
	}
}

// FuzzLines: whatever comes in whatever pieces, what lines answer is what came.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nb\r\n\n\nc"), uint8(3))
	f.Add([]byte("set time 5\nset\nexit"), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, piece uint8) {
		var got []byte
		c := &connection{server: &Server{MaxLine: 1 << 20}}
		c.out = outlet{c: c, stream: sink{&got}, plan: plan{Faults: new(Faults)}}
		for rest := data; len(rest) > 0; {
			n := min(len(rest), int(piece)+1)
			if err := c.takeLines(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := c.answer(c.partial); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, data) {
			t.Errorf("%q came back as %q", data, got)
		}
	})
}

// FuzzControl: a control line never panics, and only exit ends.
func FuzzControl(f *testing.F) {
	f.Add([]byte("set time 1e9"))
	f.Add([]byte("set time -0"))
	f.Add([]byte(" exit "))
	f.Fuzz(func(t *testing.T, line []byte) {
		c := &connection{server: &Server{ParseDuration: time.ParseDuration}}
		c.progress = new(conn.Progress)
		c.progress.Start()
		done, err := c.control(line)
		if done && (err != nil || string(bytes.TrimSpace(line)) != "exit") && string(bytes.Fields(line)[0]) != "exit" {
			t.Errorf("%q ended it", line)
		}
		if c.stopIdle == nil {
			return
		}
		c.stopIdle()
		if limit, err := time.ParseDuration(string(bytes.Fields(line)[2])); err != nil || limit < 0 {
			t.Errorf("%q set a limit", line)
		}
	})
}

// A sink is a stream that keeps what is written.
type sink struct{ to *[]byte }

func (s sink) Write(p []byte) (int, error) { *s.to = append(*s.to, p...); return len(p), nil }
func (s sink) Read([]byte) (int, error)    { return 0, io.EOF }
func (s sink) CloseWrite() error           { return nil }

// A line whose end does not come holds twice the longest line at most.
func TestPartialBound(t *testing.T) {
	const longest = 64 << 10
	for _, piece := range []int{1, 100, 1000, longest} {
		c := &connection{server: &Server{Lines: true, MaxLine: longest}}
		for sent := 0; sent+piece <= longest; sent += piece {
			if err := c.takeLines(make([]byte, piece)); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.takeLines(make([]byte, piece)); err != errLong && longest%piece == 0 {
			t.Errorf("in pieces of %d a longer line ends with %v", piece, err)
		}
		if cap(c.partial) > 2*longest {
			t.Errorf("in pieces of %d it holds %d bytes", piece, cap(c.partial))
		}
	}
}
