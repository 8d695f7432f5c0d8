package broker

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gcat/internal/conn"
)

// testRoom is a room with n members and the reasons for which they were dropped.
func testRoom(n int) (*Room, []*Member, []context.Context) {
	h := new(Room)
	members, ended := make([]*Member, n), make([]context.Context, n)
	for i := range members {
		ctx, drop := context.WithCancelCause(context.Background())
		ended[i] = ctx
		members[i] = h.Enter(fmt.Sprint("peer ", i), drop)
	}
	return h, members, ended
}

// TestRoomPatience: a slow one is waited for only as long as nobody else waits.
func TestRoomPatience(t *testing.T) {
	full := make([]byte, queueMost)
	t.Run("others wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h, s, ended := testRoom(3)
			h.broadcast(s[0], full)
			if n, err := io.CopyN(io.Discard, s[1], queueMost); n != queueMost || err != nil {
				t.Fatal(n, err)
			}
			began := time.Now()
			h.broadcast(s[0], []byte("more"))
			if took := time.Since(began); took != patienceMost {
				t.Errorf("the others waited %v", took)
			}
			e, ok := errors.AsType[*conn.Error](context.Cause(ended[2]))
			if !ok || e.Kind() != "not-delivered" {
				t.Errorf("dropped because of %v", context.Cause(ended[2]))
			}
			buf := make([]byte, 10)
			if n, err := s[1].Read(buf); string(buf[:n]) != "more" || err != nil {
				t.Errorf("the other heard %q, %v", buf[:n], err)
			}
			if n, err := s[2].Read(buf); n != 0 || err != io.EOF {
				t.Errorf("the slow one heard %q, %v", buf[:n], err)
			}
		})
	})
	t.Run("nobody waits", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h, s, ended := testRoom(2)
			h.broadcast(s[0], full)
			time.AfterFunc(2*time.Second, func() { _, _ = s[1].Read(make([]byte, 100)) })
			began := time.Now()
			h.broadcast(s[0], []byte("more"))
			if took := time.Since(began); took != 2*time.Second || ended[1].Err() != nil {
				t.Errorf("it took %v, %v", took, context.Cause(ended[1]))
			}
			h.broadcast(s[0], make([]byte, 200))
			if took := time.Since(began); took < 2*time.Second+stallMost || took > 3*time.Second+stallMost || ended[1].Err() == nil {
				t.Errorf("it took %v, %v", took, context.Cause(ended[1]))
			}
		})
	})
	t.Run("leaves meanwhile", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h, s, ended := testRoom(2)
			h.broadcast(s[0], full)
			time.AfterFunc(time.Second, func() { s[1].Leave() })
			began := time.Now()
			h.broadcast(s[0], []byte("more"))
			if took := time.Since(began); took != time.Second || ended[1].Err() != nil {
				t.Errorf("it took %v, %v", took, context.Cause(ended[1]))
			}
			h.broadcast(s[0], []byte("nobody hears it"))
		})
	})
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
	// The talkers' own queues are nobody's business here.
	for _, from := range s[:3] {
		go func() { _, _ = io.Copy(io.Discard, from) }()
	}
	go func() {
		talk.Wait()
		for left := 1; left > 0; time.Sleep(time.Millisecond) {
			s[3].mu.Lock()
			left = s[3].queued
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
	f.Fuzz(func(t *testing.T, said []byte, split int) {
		h, s, _ := testRoom(2)
		c := newChatter(s[0])
		if split = min(max(split, 0), len(said)); split > 0 {
			c.say(said[:split])
		}
		c.say(said[split:])
		c.flush()
		for s[1].queued > 0 {
			line := s[1].queue[0]
			s[1].queued -= len(line)
			s[1].queue = s[1].queue[1:]
			text, ok := bytes.CutPrefix(line, []byte("<user1> "))
			if !ok || !bytes.HasSuffix(text, []byte("\n")) {
				t.Fatalf("%q", line)
			}
			for _, r := range string(text[:len(text)-1]) {
				if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 || r == 0xfffd || r >= 0x202a && r <= 0x202e {
					t.Fatalf("%q holds %q", line, r)
				}
			}
		}
		_ = h
	})
}
