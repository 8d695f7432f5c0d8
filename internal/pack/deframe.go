package pack

import (
	"io"
	"strconv"
)

// A Deframer takes the headers off frames and hands on their payloads.
type Deframer struct {
	h *Header
	o Options
	// Adjust is what the length counts besides the payload.
	Adjust int64
	// KeepHeader leaves the header in front of the payload.
	KeepHeader bool
	// Each, if not nil, is called with each payload; nothing is written then. The
	// payload is valid until it returns.
	Each func(frame int64, payload []byte) error
	// Lines writes payloads as text, one a line; else they are written in
	// o.Form.
	Lines bool

	escape escaper
}

// NewDeframer prepares a deframer for frames with the header h.
func NewDeframer(h *Header, o Options) *Deframer {
	d := &Deframer{h: h, o: o}
	if o.Separator != "" && o.Offsets && !o.Raw {
		d.escape.special = separatorByte(o.Separator)
	}
	return d
}

// Deframe reads frames from src to its end, or limit of them if that is not
// negative, and not one byte more than they take. With o.Exact it is the end of
// src that counts, as for [Decoder.Decode].
func (d *Deframer) Deframe(dst io.Writer, src io.Reader, limit int64) (Counts, error) {
	if d.o.Exact {
		limit = -1
	}
	t := tape{src: src, exact: limit >= 0}
	var count Counts
	var out []byte
	offset := d.o.Skipped
	for count.Records != limit {
		if len(t.bytes()) == 0 {
			var err error
			if out, err = flush(dst, out, &count); err != nil {
				return count, err
			}
			if !t.more(max(d.h.f.size, 1)) {
				return count, d.none(&t, count.Records)
			}
		}
		header, length, err := d.header(dst, &t, &out, &count, offset)
		if err == nil {
			err = d.wait(dst, &t, &out, &count, offset, int64(header), length)
		}
		if err == nil && d.o.Exact {
			err = t.alone(header + int(length))
		}
		if err != nil {
			_, failed := flush(dst, out, &count)
			return count, first(failed, err)
		}
		frame := t.bytes()[:header+int(length)]
		t.start += len(frame)
		offset += int64(len(frame))
		count.Read = offset - d.o.Skipped
		count.Records++
		payload := frame[header:]
		if d.KeepHeader {
			payload = frame
		}
		if d.Each != nil {
			if err := d.Each(count.Records, payload); err != nil {
				return count, err
			}
			continue
		}
		out = d.payload(out, payload, offset-int64(len(frame)))
		if len(out) >= readyText {
			if out, err = flush(dst, out, &count); err != nil {
				return count, err
			}
		}
	}
	_, err := flush(dst, out, &count)
	return count, err
}

// none is the error of an input that ends behind so many frames.
func (d *Deframer) none(t *tape, frames int64) error {
	if t.failed() == nil && d.o.Exact && frames == 0 {
		return dataf("expected one frame, got none")
	}
	return t.failed()
}

// alone waits for the end of the input, which must come behind the frame of the
// given size that the tape starts with: nothing of it is handed on before.
func (t *tape) alone(size int) error {
	if len(t.bytes()) > size || t.more(1) {
		return moref("expected one frame, got more")
	}
	return t.failed()
}

// payload appends one payload in the form that was asked for.
func (d *Deframer) payload(out, payload []byte, offset int64) []byte {
	if !d.Lines && d.o.Form == Raw {
		return append(out, payload...)
	}
	if d.o.JSON {
		if d.o.Offsets {
			out = append(appendInt(append(out, '['), offset), ',')
			out = append(appendJSONBytes(out, payload), ']')
		} else {
			out = appendJSONBytes(out, payload)
		}
		return append(out, d.o.end())
	}
	if d.o.Offsets {
		out = append(appendInt(out, offset), d.o.separator()...)
	}
	switch {
	case d.o.Form != Raw:
		out = appendForm(out, payload, d.o.Form)
		out = out[:len(out)-1]
	case d.o.Raw:
		out = append(out, payload...)
	default:
		out, _ = d.escape.append(out, payload, true)
	}
	return append(out, d.o.end())
}

// header reads the header at the start of the tape: its size, and the length of
// the payload behind it.
func (d *Deframer) header(dst io.Writer, t *tape, out *[]byte, count *Counts, offset int64) (int, int64, error) {
	for {
		size, w, raw, it, need, err := d.h.measure(t.bytes(), d.o.Max)
		if err != nil {
			return 0, 0, inFrame(err, count.Records+1)
		}
		if d.o.tooLong(int64(len(t.bytes()))) && need > 0 {
			return 0, 0, inFrame(dataf("header is over --max %d", d.o.Max), count.Records+1)
		}
		if need == 0 {
			n, err := d.length(w, raw, it)
			return size, n, inFrame(err, count.Records+1)
		}
		ok, err := d.fetch(dst, t, out, count, need)
		if err != nil {
			return 0, 0, err
		}
		if !ok {
			got, least := int64(len(t.bytes())), ""
			if !d.h.f.fixed {
				least = "at least "
			}
			return 0, 0, inFrame(dataf("cut short in its header at offset %d: %d of %s%d bytes", offset, got, least, got+need), count.Records+1)
		}
	}
}

// length turns the integer in a header into the length of the payload.
func (d *Deframer) length(w whole, raw []byte, it *Item) (int64, error) {
	n := int64(w.lo)
	if w.negative || w.hi != 0 || w.lo > 1<<63-1 {
		return 0, dataf("%s", lengthError(w, raw, it, d.o.Max))
	}
	if d.Adjust > 0 && n < d.Adjust {
		return 0, dataf("length %d is less than the %d that --adjust says it counts besides the payload", n, d.Adjust)
	}
	if d.Adjust < 0 && n > 1<<63-1+d.Adjust || d.o.tooLong(n-d.Adjust) || n-d.Adjust > 1<<40 {
		return 0, dataf("%s", lengthError(w, raw, it, d.o.Max))
	}
	return n - d.Adjust, nil
}

// wait reads until the whole frame is there. The memory grows with what comes,
// not with what the header promises.
func (d *Deframer) wait(dst io.Writer, t *tape, out *[]byte, count *Counts, offset, header, length int64) error {
	for {
		got := int64(len(t.bytes())) - header
		if got >= length {
			return nil
		}
		ok, err := d.fetch(dst, t, out, count, length-got)
		if err != nil {
			return err
		}
		if !ok {
			return inFrame(dataf("cut short in its payload at offset %d: %d of %s bytes",
				offset+header, got, strconv.FormatInt(length, 10)), count.Records+1)
		}
	}
}

// fetch writes what is complete and reads on; it reports whether more came.
func (d *Deframer) fetch(dst io.Writer, t *tape, out *[]byte, count *Counts, need int64) (bool, error) {
	var err error
	if *out, err = flush(dst, *out, count); err != nil {
		return false, err
	}
	if t.more(need) {
		return true, nil
	}
	return false, t.failed()
}

// measure walks over the header at the start of b: its size and its length with
// the bytes and the item that it comes from. need is how many more
// bytes must come, 0 if it is all there.
func (h *Header) measure(b []byte, limit int64) (size int, w whole, raw []byte, it *Item, need int64, err error) {
	f := h.f
	at := int64(0)
	for i := range f.Items {
		p := &f.Items[i]
		if a := int64(p.align); f.native && a > 1 {
			at += (a - at%a) % a
		}
		n := p.Count
		if !p.varies {
			// All elements at once; only the last one may be the length.
			end := at + n*int64(p.width)
			if end > int64(len(b)) {
				return 0, w, nil, nil, end - int64(len(b)), nil
			}
			if i == h.item {
				raw, it = b[end-int64(p.width):end], p
				w = f.lastInteger(p, raw)
			}
			at = end
			continue
		}
		for range n {
			if at > int64(len(b)) {
				return 0, w, nil, nil, at - int64(len(b)) + 1, nil
			}
			k, v, short, bad := f.span(p, b[at:], limit)
			if bad != nil {
				return 0, w, nil, nil, 0, bad
			}
			if short > 0 {
				return 0, w, nil, nil, short, nil
			}
			if i == h.item {
				w, raw, it = v, b[at:at+k], p
			}
			at += k
		}
	}
	if at > int64(len(b)) {
		return 0, w, nil, nil, at - int64(len(b)), nil
	}
	return int(at), w, raw, it, 0, nil
}

// lastInteger is the integer in raw, for a bitfield the last of its fields.
func (f *Format) lastInteger(it *Item, raw []byte) whole {
	hi, lo := f.loadWide(raw)
	if it.kind == bitfield {
		n := it.bits[len(it.bits)-1]
		return whole{lo: lo << (64 - n) >> (64 - n)}
	}
	return fromTwos(hi, lo, 8*len(raw), it.signed)
}

// span is the size of the element of a varying item that b starts with, and the
// value if it is a varint; short is how many bytes are missing.
func (f *Format) span(it *Item, b []byte, limit int64) (size int64, v whole, short int64, err error) {
	switch it.kind {
	case terminated:
		for i, c := range b {
			if c == 0 {
				return int64(i) + 1, v, 0, nil
			}
		}
		return 0, v, 1, nil
	case varint:
		w, n, bad := f.takeVarint(b, it.bits[0])
		if bad != nil {
			return 0, v, 0, bad
		}
		if n == 0 {
			return 0, v, 1, nil
		}
		return int64(n), w, 0, nil
	}
	w, n, bad := f.takeLength(b, it.length)
	if bad != nil {
		return 0, v, 0, bad
	}
	if n == 0 {
		return 0, v, int64(max(1, it.length.width-len(b))), nil
	}
	if w.negative || w.hi != 0 || w.lo > 1<<40 || limit > 0 && int64(w.lo) > limit {
		return 0, v, 0, dataf("%s", lengthError(w, b[:n], it.length, limit))
	}
	size = int64(n) + int64(w.lo)
	if size > int64(len(b)) {
		return 0, v, size - int64(len(b)), nil
	}
	return size, v, 0, nil
}
