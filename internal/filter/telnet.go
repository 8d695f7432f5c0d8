package filter

import (
	"bytes"
	"sync"

	"gcat/internal/conn"
)

// The commands of the telnet protocol (RFC 854).
const (
	telnetSE   = 240 // end of a subnegotiation
	telnetSB   = 250 // its beginning
	telnetWill = 251
	telnetWont = 252
	telnetDo   = 253
	telnetDont = 254
	telnetIAC  = 255 // interpret as command; doubled, it is the byte 255

	telnetInner = 1 // no command: an IAC within a subnegotiation
)

// Telnet is a [conn.Stream] that refuses every option that a telnet server proposes:
// it answers DO with WONT and WILL with DONT, and removes all commands from what
// Read returns. Write doubles a byte 255, as RFC 854 requires. A proposal after
// CloseWrite gets no answer.
//
// Goroutines send the answers, so that receiving never waits for sending. There are two
// at most: one that writes, and one that waits for it.
type Telnet struct {
	conn.Stream

	// state is the command of which the next byte is a part, because a command may
	// arrive in several reads; or telnetInner; or 0, for text.
	state byte

	mu      sync.Mutex
	answers []byte // not yet sent

	write sync.Mutex // one write at a time
}

// telnetBacklog bounds the answers, in bytes, that wait for a peer that proposes
// options and does not read. Further proposals are not answered.
const telnetBacklog = 16 << 10

// Read returns what the peer sends, without its commands.
func (t *Telnet) Read(p []byte) (int, error) {
	for {
		n, err := t.Stream.Read(p)
		text, answers := t.parse(p[:n])
		t.answer(answers)
		if len(text) > 0 || err != nil || n == 0 {
			return len(text), err
		}
	}
}

// answer queues answers.
func (t *Telnet) answer(answers []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(answers) == 0 || len(t.answers)+len(answers) > telnetBacklog {
		return
	}
	if len(t.answers) == 0 {
		go t.sendAnswers()
	}
	t.answers = append(t.answers, answers...)
}

// sendAnswers writes the queued answers, once no other write is in progress.
func (t *Telnet) sendAnswers() {
	t.write.Lock()
	defer t.write.Unlock()
	t.mu.Lock()
	answers := t.answers
	t.answers = nil
	t.mu.Unlock()
	_, _ = t.Stream.Write(answers) // the next write of data returns the same error
}

// Write sends p with each byte 255 doubled, and returns how many bytes of p it sent.
func (t *Telnet) Write(p []byte) (n int, err error) {
	t.write.Lock()
	defer t.write.Unlock()
	if bytes.IndexByte(p, telnetIAC) < 0 {
		return t.Stream.Write(p)
	}
	escaped := bytes.ReplaceAll(p, []byte{telnetIAC}, []byte{telnetIAC, telnetIAC})
	m, err := t.Stream.Write(escaped)
	for _, b := range p {
		if m--; b == telnetIAC {
			m--
		}
		if m < 0 {
			break
		}
		n++
	}
	return n, err
}

// parse returns the text in p, which it moves to the front of p, and the answers to
// the proposals in p.
func (t *Telnet) parse(p []byte) (text, answers []byte) {
	text = p[:0]
	for _, b := range p {
		state := t.state
		t.state = 0
		switch state {
		case telnetIAC:
			switch b {
			case telnetIAC:
				text = append(text, b)
			case telnetSB, telnetWill, telnetWont, telnetDo, telnetDont:
				t.state = b
			}
		case telnetDo:
			answers = append(answers, telnetIAC, telnetWont, b)
		case telnetWill:
			answers = append(answers, telnetIAC, telnetDont, b)
		case telnetWont, telnetDont: // an answer could start a loop (RFC 854)
		case telnetSB:
			t.state = telnetSB
			if b == telnetIAC {
				t.state = telnetInner
			}
		case telnetInner:
			if b != telnetSE {
				t.state = telnetSB
			}
		default:
			if b == telnetIAC {
				t.state = telnetIAC
			} else {
				text = append(text, b)
			}
		}
	}
	return text, answers
}
