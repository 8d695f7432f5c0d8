package echo

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"syscall"
	"time"
)

// converse holds the conversation. It returns nil at the peer's end of file, else
// the error that ended it.
func (c *connection) converse() error {
	if c.failing {
		how := c.server.Faults.Fail
		c.fault("%s, one of the first", [...]string{"closed", "reset", "left hanging"}[how])
		return c.out.after(how)
	}
	if c.server.To != nil {
		return c.forward()
	}
	defer c.out.startLimits(false)()
	if limit := c.plan.limit(); limit != nil && limit.Bytes == 0 {
		if err := c.out.after(limit.How); err != nil {
			c.unfollowed()
			return err
		}
	}
	c.out.announce()
	if c.server.Greeting != "" {
		if err := c.send([]byte(c.server.Greeting)); err != nil {
			return err
		}
	}
	if c.plan.NoRead {
		c.fault("reads nothing")
		err := c.hang()
		c.unfollowed()
		return err
	}
	var err error
	if c.server.Script != nil {
		err = c.follow(c.server.Script)
	} else {
		err = c.serviced()
	}
	if c.out.stalled.Load() && (err == nil || errors.Is(err, errDone)) {
		return c.hang()
	}
	if err == nil && c.plan.OnEOF != Close {
		return c.onEOF(c.plan.OnEOF)
	}
	return err
}

// admit counts the connection, whose handshake is finished if there is one, or makes it one
// of the first FailFirst.
func (c *connection) admit() {
	s := c.server
	if c.failing = s.admitted.Add(1) <= s.Faults.FailFirst; c.failing {
		s.slots.exempt()
		s.counted.Done()
	} else {
		s.slots.count()
	}
}

func (c *connection) onEOF(how How) error {
	c.fault("%s its end of file", [...]string{Reset: "reset at", Hang: "held open after"}[how])
	return c.out.after(how)
}

// serviced runs the service until the peer's end of file (nil) or an error.
func (c *connection) serviced() error {
	s := c.server
	switch s.Service {
	case Discard:
		return c.discardService()
	case Chargen:
		return c.generate(math.MaxInt64)
	case Source:
		return c.generate(cmp.Or(s.Size, math.MaxInt64))
	case Daytime:
		return cmp.Or(c.send(daytime(time.Now())), errDone)
	case Time:
		return cmp.Or(c.send(timestamp(time.Now())), errDone)
	}
	if s.lines() {
		return c.echoLines()
	}
	return c.each(c.answer)
}

// discardService reads and discards. Limits count received bytes here, since none
// are sent.
func (c *connection) discardService() error {
	limit := c.plan.limit()
	return c.each(func([]byte) error {
		if limit == nil || c.received.Load() < limit.Bytes {
			return nil
		}
		c.out.apply(*limit)
		return c.out.after(limit.How)
	})
}

// generate sends size bytes of the pattern, and discards what it receives.
func (c *connection) generate(size int64) error {
	ended := make(chan error, 1)
	go func() { ended <- c.discard() }() // ends at the peer's end of file, or by Interrupt
	err := c.sendPattern(size)
	if err == nil {
		err = c.stream.CloseWrite()
	}
	if err != nil {
		c.socket.Interrupt()
		if read := <-ended; errors.Is(read, syscall.ECONNRESET) {
			return read // the kernel reports it once
		}
		return err
	}
	return <-ended
}

func (c *connection) sendPattern(size int64) error {
	for offset, n := int64(0), int64(0); offset < size; offset += n {
		n = min(sourceChunk, size-offset)
		if err := c.send(patternAt(offset, int(n))); err != nil {
			return err
		}
	}
	return nil
}

// answer replies to the data of one read, or to one line.
func (c *connection) answer(data []byte) error {
	s := c.server
	if s.Reply != nil || s.Suffix != "" {
		b := borrow()
		defer giveBack(b)
		reply := (*b)[:0]
		if s.Reply == nil {
			reply = append(reply, data...)
		} else {
			c.replies++
			reply = s.Reply.append(reply, message{data: data, remote: c.remote, local: c.local, n: c.replies, tls: c.facts})
		}
		data = append(reply, s.Suffix...)
	}
	err := c.send(data)
	if err == nil && s.CloseAfterReply {
		err = errDone
	}
	return err
}

// echoLines answers line by line. A last line without an ending is a line.
func (c *connection) echoLines() error {
	if err := c.each(c.takeLines); err != nil {
		return err
	}
	if len(c.partial) > 0 {
		return c.takeLine(c.partial)
	}
	return nil
}

// takeLines answers the lines that end in data and keeps the rest.
func (c *connection) takeLines(data []byte) error {
	longest := c.server.longestLine()
	for {
		line, whole := data, false
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			line, whole = data[:i+1], true
		}
		data = data[len(line):]
		if len(c.partial)+len(line) > longest {
			c.report(Event{Kind: Failed, Err: fmt.Errorf("a line is longer than %d bytes", longest)})
			return errLong
		}
		if !whole {
			c.partial = append(c.partial, line...)
			return nil
		}
		if len(c.partial) > 0 {
			line = append(c.partial, line...)
			c.partial = nil
		}
		if err := c.takeLine(line); err != nil {
			return err
		}
	}
}

// takeLine executes line if it is a control line, and answers it.
func (c *connection) takeLine(line []byte) error {
	if c.server.Control {
		switch done, err := c.control(withoutEnding(line)); {
		case done:
			return errDone
		case err != nil:
			c.report(Event{Kind: Failed, Err: err})
			return c.send(fmt.Appendf(nil, "error: %v\n", err))
		}
	}
	return c.answer(line)
}

// control executes `set time N`, and returns done for `exit`. Another line that
// begins with the word set is an error; all others are ignored here.
func (c *connection) control(line []byte) (done bool, err error) {
	words := bytes.Fields(line)
	switch {
	case len(words) == 1 && string(words[0]) == "exit":
		return true, nil
	case len(words) == 0 || string(words[0]) != "set":
		return false, nil
	case len(words) == 3 && string(words[1]) == "time":
		if limit, err := c.server.ParseDuration(string(words[2])); err == nil && limit >= 0 {
			c.setIdle(limit)
			return false, nil
		}
	}
	return false, fmt.Errorf("bad control line %.100q: want \"set time N\" or \"exit\"", line)
}
