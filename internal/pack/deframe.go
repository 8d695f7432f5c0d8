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
	cursor // through the headers
}

// Deframe reads frames from src to its end, or limit of them if that is not
// negative, and not one byte more than they take. With o.Exact src must hold exactly
// one frame, and limit is not used.
func (d *Deframer) Deframe(dst io.Writer, src io.Reader, limit int64) (Counts, error) {
	if d.o.Exact {
		limit = -1
	}
	s := deframing{d, d.header.newCursor(dst, src, limit >= 0)}
	s.hold = true
	var err error
	for s.count.Records != limit && err == nil {
		err = s.frame()
	}
	if err == io.EOF {
		err = nil
	}
	return s.count, cmp.Or(s.flush(len(s.ready)), err)
}

// frame takes one frame apart. Its error is io.EOF if the input ends before it.
func (s *deframing) frame() error {
	s.final = len(s.ready)
	if len(s.t.bytes()) == 0 {
		err := s.read(max(s.h.f.size, 1))
		if err == io.EOF && s.o.Exact && s.count.Records == 0 {
			err = dataf("expected one frame, got none")
		}
		if err != nil {
			return err
		}
	}
	header, length, err := s.measure()
	if err == nil {
		err = s.wait(header, length)
	}
	if err != nil {
		return inFrame(err, s.count.Records+1)
	}
	if s.o.Exact {
		// The frame is written only behind the end of the input.
		if err := s.t.alone(header+length, moref("expected one frame, got more")); err != nil {
			return err
		}
	}
	frame := s.t.bytes()[:header+length]
	s.t.start += len(frame)
	s.count.Read += int64(len(frame))
	s.count.Records++
	payload := frame[header:]
	if s.KeepHeader {
		payload = frame
	}
	if s.Each != nil {
		return s.Each(s.count.Records, payload)
	}
	if err := s.payload(payload); err != nil || len(s.ready) < readyText {
		return err
	}
	return s.flush(len(s.ready))
}

// measure decodes the header at the start of the tape, whose text is discarded, and
// returns its size and that of the payload.
func (s *deframing) measure() (header, length int64, err error) {
	err = s.record(s.o.Skipped + s.count.Read)
	s.ready = s.ready[:s.final]
	if err == io.EOF {
		got, least := int64(len(s.t.bytes())), ""
		if !s.h.f.fixed {
			least = "at least "
		}
		err = dataf("cut short in its header at offset %d: %d of %s%d bytes", s.offset, got, least, plus(got, s.need))
	}
	if err == nil {
		length, err = s.payloadLength(s.slots[0])
	}
	return s.at, length, err
}

// payload makes one payload ready in the form that was asked for. Text, which may take six
// times the memory of the payload, is written as it is made.
func (s *deframing) payload(payload []byte) error {
	if !s.Lines && s.o.Form == Raw {
		s.ready = append(s.ready, payload...)
		return nil
	}
	var before, after string
	var piece func(dst, b []byte) ([]byte, int)
	switch {
	case s.o.JSON:
		q := quotesOf(payload)
		before, piece, after = q[0], q.piece, q[1]
	case s.o.Form != Raw:
		piece = func(dst, b []byte) ([]byte, int) {
			dst = appendForm(dst, b, s.o.Form)
			return dst[:len(dst)-1], len(b) // without the newline
		}
	case s.o.Raw:
		piece = func(dst, b []byte) ([]byte, int) { return append(dst, b...), len(b) }
	default:
		piece = func(dst, b []byte) ([]byte, int) {
			n := min(len(b), textPiece)
			return s.escape.append(dst, b[:n], n == len(b))
		}
	}
	switch {
	case s.o.Offsets && s.o.JSON:
		before, after = fmt.Sprintf("[%d,%s", s.offset, before), after+"]"
	case s.o.Offsets:
		before = fmt.Sprint(s.offset) + s.o.separator()
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

// payloadLength turns the integer in a header into the length of the payload.
func (d *Deframer) payloadLength(w whole) (int64, error) {
	n, ok := w.size()
	it := &d.h.f.items[d.h.item]
	if !ok {
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
		if err := s.read(length - got); err == io.EOF {
			return dataf("cut short in its payload at offset %d: %d of %d bytes", s.offset+header, got, length)
		} else if err != nil {
			return err
		}
	}
}
