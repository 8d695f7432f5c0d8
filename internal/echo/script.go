package echo

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"gcat/internal/conn"
)

// A Step is one line of a script.
type Step struct {
	// Pos is where it stands, as in "smtp.txt:4".
	Pos string
	Do  Op
	// Text is what is sent or expected, or the path of a file.
	Text []byte
	// N is how many bytes are read.
	N int64
	// Pause is for how long to wait.
	Pause time.Duration
}

// An Op is what a [Step] does.
type Op int

// The steps. MaxLine limits a line.
const (
	Send      Op = iota // Text
	SendFile            // the file that Text names
	Expect              // what comes next is Text
	Until               // read until Text has come
	Line                // read a line
	Read                // read N bytes
	AwaitEOF            // nothing comes but the end of file
	Wait                // Pause, which is not idleness
	HalfClose           // FIN
	End                 // close in order
	Abort               // RST
	Hold                // silence, until the client has left
)

// strayed is the kind of the error of a client that did not do what the script expects.
const strayed conn.Kind = "script"

func (s Step) strayed(got string) error {
	return &conn.Error{Why: strayed, Op: s.Pos, Err: fmt.Errorf("expected %s, got %s", s.wants(), got)}
}

// follow executes the steps. After the last one the connection is closed in order. A
// client has followed the script only if the script, not a fault, ended the connection.
func (c *connection) follow(steps []Step) error {
	r := reader{c: c}
	for i, step := range steps {
		c.at.Store(&steps[i])
		err := r.step(step)
		if err == nil {
			continue
		}
		if step.Do < End || c.cause.Load() != nil {
			c.unfollowed()
			err = step.named(err)
		}
		if conn.KindOf(err) == strayed {
			c.end(reason{by: "local", event: &Event{Kind: Failed, Err: err}})
		}
		return err
	}
	return errDone
}

// unfollowed counts a connection that has ended before its script, unless a signal
// has ended it.
func (c *connection) unfollowed() {
	switch cause := c.cause.Load(); {
	case c.server.Script == nil, cause != nil && cause.by == "signal":
	case cause != nil && cause.by == "timeout":
		c.server.Totals.TooSlow.Add(1)
	default:
		c.server.Totals.Strayed.Add(1)
	}
}

// named is the error of a connection that failed at s, unless it names its line or is
// that of a fault.
func (s Step) named(err error) error {
	why := conn.KindOf(err)
	if why == strayed || errors.Is(err, errDone) || errors.Is(err, errReset) {
		return err
	}
	return &conn.Error{Why: cmp.Or(why, conn.ResetByPeer), Op: s.Pos, Err: err}
}

// A reader buffers what the client sent until a step takes it.
type reader struct {
	c    *connection
	held []byte
	left int64 // of the bytes that the step Read takes
}

func (r *reader) step(s Step) error {
	c := r.c
	switch s.Do {
	case Send:
		return c.send(s.Text)
	case SendFile:
		return c.sendFile(string(s.Text))
	case Wait:
		return c.pause(s.Pause)
	case HalfClose:
		if c.out.halved.Swap(true) {
			return nil // by a fault
		}
		return c.stream.CloseWrite()
	case Abort:
		return errReset
	case Hold:
		defer c.untimed()()
		_ = c.discard() // until the client closes or resets
		return errDone
	case End:
		return errDone
	}
	return r.await(s)
}

// await reads until the client has done what s expects.
func (r *reader) await(s Step) error {
	r.left = s.N
	for {
		n, done, err := r.match(s)
		if err != nil {
			return err
		}
		r.held = r.held[:copy(r.held, r.held[n:])]
		if done {
			return nil
		}
		switch err := r.more(); {
		case err == io.EOF && s.Do == AwaitEOF:
			return nil
		case err == io.EOF:
			return s.strayed("the end of file")
		case err != nil:
			return err
		}
	}
}

// match returns how many of the bytes held s takes, and whether they complete it. What s
// leaves can be the beginning of what it expects.
func (r *reader) match(s Step) (n int, done bool, err error) {
	switch s.Do {
	case Expect:
		if n = min(len(r.held), len(s.Text)); !bytes.Equal(r.held[:n], s.Text[:n]) {
			return 0, false, s.strayed(quoted(r.held[:n]))
		}
		if n == len(s.Text) {
			return n, true, nil
		}
	case Until:
		if i := bytes.Index(r.held, s.Text); i >= 0 {
			return i + len(s.Text), true, nil
		}
		return max(len(r.held)-len(s.Text)+1, 0), false, nil
	case Line:
		i, longest := bytes.IndexByte(r.held, '\n'), r.c.server.longestLine()
		if i >= longest || i < 0 && len(r.held) > longest {
			return 0, false, s.strayed(quoted(r.held[:min(len(r.held), 100)]))
		}
		return i + 1, i >= 0, nil
	case Read:
		n := min(r.left, int64(len(r.held)))
		r.left -= n
		return int(n), r.left == 0, nil
	case AwaitEOF:
		if len(r.held) > 0 {
			return 0, false, s.strayed(quoted(r.held))
		}
	}
	return 0, false, nil
}

// more waits for more bytes. io.EOF is the peer's end of file.
func (r *reader) more() error {
	return r.c.receive(func(data []byte) error {
		r.held = append(r.held, data...)
		return nil
	})
}

// wants is what the client is expected to do, in words; empty if it may do what it likes.
func (s Step) wants() string {
	switch s.Do {
	case Expect, Until:
		return quoted(s.Text)
	case Line:
		return "a line"
	case Read:
		return conn.ByteCount(s.N)
	case AwaitEOF:
		return "the end of file"
	case Send, SendFile:
		return "it to read"
	case Hold:
		return "it to leave"
	}
	return ""
}

// quoted is text in quotes, cut where it would fill a screen.
func quoted(text []byte) string {
	if len(text) > 100 {
		return fmt.Sprintf("%q...", text[:100])
	}
	return fmt.Sprintf("%q", text)
}

// sendFile sends the present contents of a file.
func (c *connection) sendFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return &conn.Error{Why: conn.Local, Err: err}
	}
	defer func() { _ = f.Close() }() // nothing was written to it
	b := borrow()
	defer giveBack(b)
	for {
		n, err := f.Read(*b)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return &conn.Error{Why: conn.Local, Err: err}
		}
		if err := c.send((*b)[:n]); err != nil {
			return err
		}
	}
}
