package pack

import (
	"cmp"
	"fmt"
	"io"
)

// A Deframer takes frames apart and writes their payloads.
type Deframer struct {
	h *Header
	o Options
	// Adjust is how many bytes the length counts besides the payload.
	Adjust int64
	// KeepHeader leaves the header in front of the payload.
	KeepHeader bool
	// Each, if not nil, is called with each payload; nothing is written then. The
	// payload is valid until it returns.
	Each func(frame int64, payload []byte) error
	// Lines writes payloads as text, one a line; else they are written in
	// o.Form.
	Lines bool

	header *Decoder // of the header; its text is discarded
	escape escaper
}

// NewDeframer prepares a deframer for frames with the header h.
func NewDeframer(h *Header, o Options) *Deframer {
	d := &Deframer{h: h, o: o, header: NewDecoder(h.f, Options{Max: o.Max, MaxName: o.MaxName})}
	length := &d.header.ops[h.item]
	length.slot, length.simple, d.header.slots = 1, false, 1
	if o.Separator != "" && o.Offsets && !o.Raw {
		d.escape.special = separatorByte(o.Separator)
	}
	return d
}

// A deframing is an input that is taken apart.
type deframing struct {
	*Deframer
	output
	t      tape
	c      cursor
	offset int64  // of the frame in the input
	text   []byte // reused for the text of headers
}

// Deframe reads frames from src to its end, or limit of them if that is not
// negative, and not one byte more than they take. With o.Exact src must hold exactly
// one frame, and limit is not used.
func (d *Deframer) Deframe(dst io.Writer, src io.Reader, limit int64) (Counts, error) {
	if d.o.Exact {
		limit = -1
	}
	s := deframing{Deframer: d, output: output{dst: dst}, t: tape{src: src, exact: limit >= 0}, c: d.header.newCursor(), offset: d.o.Skipped}
	var err error
	for end := false; s.count.Records != limit && !end && err == nil; {
		end, err = s.frame()
	}
	return s.count, cmp.Or(s.flush(len(s.ready)), err)
}

// frame takes one frame apart, and reports whether the input ended before it.
func (s *deframing) frame() (end bool, err error) {
	if len(s.t.bytes()) == 0 {
		more, err := s.more(max(s.h.f.size, 1))
		if !more {
			return true, cmp.Or(err, s.none())
		}
	}
	header, err := s.measure()
	if err != nil {
		return false, inFrame(err, s.count.Records+1)
	}
	length, err := s.length(s.c.slots[0])
	if err == nil {
		err = s.wait(int64(header), length)
	}
	if err != nil {
		return false, inFrame(err, s.count.Records+1)
	}
	if s.o.Exact {
		if err := s.t.alone(header + int(length)); err != nil {
			return false, err
		}
	}
	frame := s.t.bytes()[:header+int(length)]
	s.t.start += len(frame)
	at := s.offset
	s.offset += int64(len(frame))
	s.count.Read += int64(len(frame))
	s.count.Records++
	payload := frame[header:]
	if s.KeepHeader {
		payload = frame
	}
	if s.Each != nil {
		return false, s.Each(s.count.Records, payload)
	}
	if err := s.payload(payload, at); err != nil || len(s.ready) < readyText {
		return false, err
	}
	return false, s.flush(len(s.ready))
}

// more writes what is complete and reads on; it reports whether more came.
func (s *deframing) more(need int64) (bool, error) {
	if err := s.flush(len(s.ready)); err != nil {
		return false, err
	}
	if s.t.more(need) {
		return true, nil
	}
	return false, s.t.failed()
}

// measure decodes the header at the start of the tape and returns its size.
func (s *deframing) measure() (int, error) {
	size := 0
	s.c.record = -1 // reset makes it 0: errors name the frame, not a record
	s.c.reset(s.offset)
	for {
		text, n, done, err := s.c.step(s.text[:0], s.t.bytes()[size:])
		s.text = text
		size += n
		if err != nil || done {
			return size, err
		}
		if s.o.tooLong(int64(len(s.t.bytes()))) {
			return size, s.o.over("header")
		}
		more, err := s.more(s.c.need)
		if err != nil {
			return size, err
		}
		if !more {
			got, least := int64(len(s.t.bytes())), ""
			if !s.h.f.fixed {
				least = "at least "
			}
			return size, dataf("cut short in its header at offset %d: %d of %s%d bytes", s.offset, got, least, plus(got, s.c.need))
		}
	}
}

// none is the error of an input that ends before a frame; nil if it may.
func (s *deframing) none() error {
	if s.t.failed() == nil && s.o.Exact && s.count.Records == 0 {
		return dataf("expected one frame, got none")
	}
	return s.t.failed()
}

// alone waits for the end of the input, which must follow the frame of that size at the
// start of the tape. The frame is written only after that.
func (t *tape) alone(size int) error {
	if len(t.bytes()) > size || t.more(1) {
		return moref("expected one frame, got more")
	}
	return t.failed()
}

// payload makes one payload ready in the form that was asked for. Text, which may take four
// times the memory of the payload, is written as it is made.
func (s *deframing) payload(payload []byte, offset int64) error {
	if !s.Lines && s.o.Form == Raw {
		s.ready = append(s.ready, payload...)
		return nil
	}
	var before, after string
	piece := func(dst, b []byte) ([]byte, int) {
		n := min(len(b), textPiece)
		return s.escape.append(dst, b[:n], n == len(b))
	}
	switch {
	case s.o.JSON:
		q := quotesOf(payload)
		before, piece, after = q[0], q.piece, q[1]
		if s.o.Offsets {
			before, after = fmt.Sprintf("[%d,%s", offset, before), after+"]"
		}
	case s.o.Offsets:
		before = fmt.Sprint(offset) + s.o.separator()
	}
	switch {
	case s.o.JSON:
	case s.o.Form != Raw:
		piece = func(dst, b []byte) ([]byte, int) {
			dst = appendForm(dst, b, s.o.Form)
			return dst[:len(dst)-1], len(b) // without the newline
		}
	case s.o.Raw:
		piece = func(dst, b []byte) ([]byte, int) { return append(dst, b...), len(b) }
	}
	s.ready = append(s.ready, before...)
	for n := 0; len(payload) > 0; payload = payload[n:] {
		if s.ready, n = piece(s.ready, payload); len(s.ready) < readyText {
			continue
		}
		if err := s.flush(len(s.ready)); err != nil {
			return err
		}
	}
	s.ready = append(append(s.ready, after...), s.o.end())
	return nil
}

// length turns the integer in a header into the length of the payload.
func (d *Deframer) length(w whole) (int64, error) {
	n, it := int64(w.lo), &d.h.f.items[d.h.item]
	if w.negative || w.hi != 0 || w.lo > 1<<63-1 {
		return 0, it.lengthError(w, &d.o)
	}
	if d.Adjust > 0 && n < d.Adjust {
		return 0, dataf("length %d is less than the %d bytes that it counts besides the payload", n, d.Adjust)
	}
	if d.Adjust < 0 && n > 1<<63-1+d.Adjust || d.o.tooLong(n-d.Adjust) || n-d.Adjust > 1<<40 {
		return 0, it.lengthError(w, &d.o)
	}
	return n - d.Adjust, nil
}

// wait reads until the whole frame is there. The memory grows with what comes,
// not with what the header promises.
func (s *deframing) wait(header, length int64) error {
	for {
		got := int64(len(s.t.bytes())) - header
		if got >= length {
			return nil
		}
		more, err := s.more(length - got)
		if err != nil {
			return err
		}
		if !more {
			return dataf("cut short in its payload at offset %d: %d of %d bytes", s.offset+header, got, length)
		}
	}
}
