package broker

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"gcat/internal/conn"
)

// testRoom is a room with n members, and the contexts that end when they are
// dropped.
func testRoom(n int) (*Room, []*Member, []context.Context) {
	r := new(Room)
	members, ended := make([]*Member, n), make([]context.Context, n)
	for i := range members {
		ctx, drop := context.WithCancelCause(context.Background())
		ended[i] = ctx
		members[i] = r.Enter(fmt.Sprint("peer ", i), drop)
	}
	return r, members, ended
}

// TestRoomSlow: members whose queues are full are waited for at the same time,
// and dropped when they have taken too little.
func TestRoomSlow(t *testing.T) {
	full := make([]byte, queueMost)
	t.Run("silent", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, m, ended := testRoom(4)
			r.broadcast(m[0], full)
			if n, err := io.CopyN(io.Discard, m[1], queueMost); n != queueMost || err != nil {
				t.Fatal(n, err)
			}
			began := time.Now()
			r.broadcast(m[0], []byte("more"))
			if took := time.Since(began); took != 5*time.Second {
				t.Errorf("the others waited %v", took)
			}
			buf := make([]byte, 10)
			for _, i := range []int{2, 3} {
				e, ok := errors.AsType[*conn.Error](context.Cause(ended[i]))
				if !ok || e.Kind() != "not-delivered" {
					t.Errorf("dropped because of %v", context.Cause(ended[i]))
				}
				if n, err := m[i].Read(buf); n != 0 || err != io.EOF {
					t.Errorf("a slow one heard %q, %v", buf[:n], err)
				}
			}
			if n, err := m[1].Read(buf); string(buf[:n]) != "more" || err != nil {
				t.Errorf("the other heard %q, %v", buf[:n], err)
			}
		})
	})
	for _, tt := range []struct {
		name    string
		rate    int // bytes a second
		dropped bool
	}{
		{"takes enough", leastTaken/int(slowFor/time.Second) + 1, false},
		{"takes too little", leastTaken/int(slowFor/time.Second) - 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, m, ended := testRoom(2)
				r.broadcast(m[0], full)
				go func() { // ends when m[1] has left
					buf := make([]byte, tt.rate)
					for err := error(nil); err == nil; {
						time.Sleep(time.Second - time.Millisecond)
						_, err = io.ReadFull(m[1], buf)
						time.Sleep(time.Millisecond)
					}
				}()
				for began := time.Now(); time.Since(began) < 10*slowFor && ended[1].Err() == nil; {
					r.broadcast(m[0], make([]byte, 1000))
				}
				if got := ended[1].Err() != nil; got != tt.dropped {
					t.Errorf("dropped is %v", got)
				}
				m[1].Leave()
				time.Sleep(slowFor) // the end of its timer
			})
		})
	}
	t.Run("one after the other", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, m, ended := testRoom(10)
			for i := range m[1:] {
				m[1+i].push(full[:queueMost-i*100_000], false) // the last has more than leastTaken
			}
			began := time.Now()
			for range 50 {
				r.broadcast(m[0], full[:100_000])
			}
			if took := time.Since(began); took != 5*time.Second {
				t.Errorf("the sender waited %v", took)
			}
			for i, ctx := range ended[1:] {
				if ctx.Err() == nil {
					t.Errorf("member %d was not dropped", 1+i)
				}
			}
		})
	})
	t.Run("leaves meanwhile", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, m, ended := testRoom(2)
			r.broadcast(m[0], full)
			time.AfterFunc(time.Second, func() { m[1].Leave() })
			began := time.Now()
			r.broadcast(m[0], []byte("more"))
			if took := time.Since(began); took != time.Second || ended[1].Err() != nil {
				t.Errorf("it took %v, %v", took, context.Cause(ended[1]))
			}
			r.broadcast(m[0], []byte("no member hears it"))
		})
	})
}

// The bounds that SECURITY of gcat(7) names are written out here, so that a test fails
// if a constant changes.

// TestBoundQueue: 4 MiB wait for a member, and not a byte more.
func TestBoundQueue(t *testing.T) {
	r, m, _ := testRoom(2)
	r.broadcast(m[0], make([]byte, 4<<20-1))
	if !m[1].push([]byte("x"), false) {
		t.Error("less than 4 MiB fill the queue")
	}
	if m[1].push([]byte("x"), false) {
		t.Error("more than 4 MiB wait")
	}
}

// TestBoundLine: a chat keeps 4 KiB less a byte of an unfinished line, and sends the
// line when it has 4 KiB.
func TestBoundLine(t *testing.T) {
	r := &Room{Chat: true}
	a, b := r.Enter("a", nil), r.Enter("b", nil)
	b.queue.clear()
	line := bytes.Repeat([]byte("y"), 4<<10)
	_, _ = a.Write(line[1:])
	if b.queue.size != 0 || len(a.chat.line) != 4<<10-1 {
		t.Errorf("%d bytes were sent, and %d are kept", b.queue.size, len(a.chat.line))
	}
	_, _ = a.Write(line[:1])
	if want := len("<user1> \n") + 4<<10; b.queue.size != want || len(a.chat.line) != 0 {
		t.Errorf("%d bytes were sent, want %d, and %d are kept", b.queue.size, want, len(a.chat.line))
	}
	_, _ = a.Write(bytes.Repeat(line, 16)) // one read of the relay
	if n := cap(a.chat.line); n > 8<<10 {
		t.Errorf("the line takes %d bytes", n)
	}
}

// TestRoomHolds: a member that does not read holds queueMost and a little,
// whatever the size of the messages.
func TestRoomHolds(t *testing.T) {
	for _, size := range []int{9, 4000, 64 << 10} {
		r, m, _ := testRoom(2)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.GC() // the first leaves the pool's chunks
		runtime.ReadMemStats(&before)
		for message := make([]byte, size); m[1].queue.size+size <= queueMost; {
			r.broadcast(m[0], message)
		}
		runtime.ReadMemStats(&after)
		if held := after.HeapAlloc - before.HeapAlloc; held > 4<<20+128<<10 {
			t.Errorf("messages of %d bytes: %d bytes are held", size, held)
		}
		m[1].Leave()
	}
}

// TestQueue: what is put is taken, in order, however it is divided.
func TestQueue(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var q queue
	var put, taken uint64
	for range 10_000 {
		p := make([]byte, random.IntN(1<<random.IntN(18)))
		if random.IntN(2) == 0 && q.size+len(p) <= queueMost {
			for i := range p {
				p[i] = byte(put * 0x9E3779B97F4A7C15 >> 56)
				put++
			}
			q.put(p)
		} else {
			for _, b := range p[:q.take(p)] {
				if b != byte(taken*0x9E3779B97F4A7C15>>56) {
					t.Fatalf("byte %d is %d", taken, b)
				}
				taken++
			}
		}
		if uint64(q.size) != put-taken {
			t.Fatalf("%d bytes wait, want %d", q.size, put-taken)
		}
	}
}

// TestRoomOrder: what several say at once arrives whole and in each one's order.
func TestRoomOrder(t *testing.T) {
	_, s, _ := testRoom(4)
	const lines = 2000
	var talk sync.WaitGroup
	for i, from := range s[:3] {
		talk.Go(func() {
			for n := range lines {
				fmt.Fprintf(from, "%d %d\n", i, n)
			}
		})
	}
	// The talkers' own queues do not matter here.
	for _, from := range s[:3] {
		go func() { _, _ = io.Copy(io.Discard, from) }()
	}
	go func() {
		talk.Wait()
		for left := 1; left > 0; time.Sleep(time.Millisecond) {
			s[3].mu.Lock()
			left = s[3].queue.size
			s[3].mu.Unlock()
		}
		for _, one := range s {
			one.Leave()
		}
	}()
	var next [3]int
	in := bufio.NewScanner(s[3])
	for in.Scan() {
		var i, n int
		if _, err := fmt.Sscanf(in.Text(), "%d %d", &i, &n); err != nil || n != next[i] {
			t.Fatalf("%q: %v, want line %d", in.Text(), err, next[i])
		}
		next[i]++
	}
	if next != [3]int{lines, lines, lines} {
		t.Errorf("%d lines came", next)
	}
}

// FuzzChat: whatever is said, each line that arrives is one line of printable
// text behind the name.
func FuzzChat(f *testing.F) {
	f.Add([]byte("hello\r\nworld"), 3)
	f.Add([]byte("\x1b[2J\r<user1> forged\x07\xc3"), 5)
	f.Add([]byte("\ufffd"), 0) // valid UTF-8: it passes
	f.Fuzz(func(t *testing.T, said []byte, split int) {
		_, s, _ := testRoom(2)
		c := newChatter(s[0], 0)
		if split = min(max(split, 0), len(said)); split > 0 {
			c.write(said[:split])
		}
		c.write(said[split:])
		c.flush()
		heard := make([]byte, s[1].queue.size)
		s[1].queue.take(heard)
		for line := range bytes.Lines(heard) {
			text, ok := bytes.CutPrefix(line, []byte("<user1> "))
			if !ok || !bytes.HasSuffix(text, []byte("\n")) {
				t.Fatalf("%q", line)
			}
			if !utf8.Valid(text) {
				t.Fatalf("%q is not UTF-8", line)
			}
			for _, r := range string(text[:len(text)-1]) {
				if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e {
					t.Fatalf("%q holds %q", line, r)
				}
			}
		}
	})
}

// TestRoomChurn: members come and go while others send, and nothing waits for one
// that has left.
func TestRoomChurn(t *testing.T) {
	for _, chat := range []bool{false, true} {
		r := &Room{Chat: chat}
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for n := range 20 {
					_, drop := context.WithCancelCause(t.Context())
					m := r.Enter("peer", drop)
					var heard sync.WaitGroup
					if n%3 > 0 { // the others read nothing
						heard.Go(func() { _, _ = io.Copy(io.Discard, m) })
					}
					for range 10 {
						_, _ = m.Write(bytes.Repeat([]byte("a line\n"), 1+i*100))
					}
					_ = m.CloseWrite()
					m.Leave()
					heard.Wait()
					drop(nil)
				}
			})
		}
		all.Wait()
		if n := len(r.members); n > 0 {
			t.Errorf("%d members are left", n)
		}
	}
}
