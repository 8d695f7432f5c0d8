package pack

import (
	"fmt"
	"math"
)

// An Encoder turns values into records. It keeps no state between records and can be
// used by several goroutines at once.
type Encoder struct {
	f *Format
	o Options
	// fast is the fast path of lines, if there is one: it appends the records of the
	// lines that chunk begins with, up to the first that is anything but plain, and
	// returns how many bytes and lines it took.
	fast func(dst, chunk []byte, p *packer) ([]byte, int, int64)
}

// NewEncoder prepares the encoding of records of f.
func NewEncoder(f *Format, o Options) *Encoder {
	e := &Encoder{f: f, o: o}
	switch {
	case !e.plain():
	case f.isLone():
		e.fast = e.loneIntegers
	default:
		e.fast = e.fastLines
	}
	return e
}

// A field is one value as it was read.
type field struct {
	text []byte
	kind fieldKind
}

type fieldKind uint8

const (
	plain      fieldKind = iota // a word, with escapes
	jsonText                    // a JSON string, or base64: the bytes themselves
	jsonNumber                  // a JSON number
	jsonBool                    // true or false
	computed                    // a number that is not given: the count of a list in JSON, the length of a frame
)

// A packer is the encoding of one record after the other: a walk over the items of a
// format, and over those of its groups. It keeps the memory that they need.
type packer struct {
	e      *Encoder
	fields []field // of the record
	v      int     // fields that are used
	start  int     // where the record begins
	from   int     // where the next checksum begins
	open   *item   // a checksum whose {to} is still to come
	openAt int     // where it is

	counts []count // by slot
	// lengths are the string lengths that are computed, in the order of the integers
	// that hold them; -1 is not known yet. The measuring pass finds them, and the
	// second pass writes them.
	lengths   []int64
	length    int // lengths that are used
	measuring bool

	// leading is set when a record takes the first of its fields, as many as it needs;
	// v is then how many.
	leading bool
	cut     int64 // strings that were cut
	// unescaped is set when it is known that no field has an escape.
	unescaped bool

	text []byte  // a string without its escapes
	line []byte  // a record in its form
	row  []field // of a line
	json jsonParser
}

// A count is an integer that something refers to.
type count struct {
	n      int64
	length int // the index of its length, if it is one
}

// largestRecord is the size in bytes of the largest record made without a limit: 1 TiB,
// or half of what an int can count.
const largestRecord = min(1<<40, math.MaxInt/2)

// record appends one record made of fields. On an error nothing is appended.
func (e *Encoder) record(dst []byte, fields []field, p *packer) ([]byte, error) {
	start, cut := len(dst), p.cut
	p.e, p.fields, p.start, p.lengths = e, fields, start, p.lengths[:0]
	if len(p.counts) < e.f.slots {
		p.counts = make([]count, e.f.slots)
	}
	err := p.expect()
	if err == nil {
		err = p.room(dst, e.f.size)
	}
	if err != nil {
		return dst, err
	}
	// An integer in front of a string that holds its length is known only after the
	// string: so the record is made twice.
	out := dst
	for p.measuring = e.f.sized; ; p.measuring = false {
		p.v, p.from, p.length, p.cut = 0, start, 0, cut
		if out, err = p.sequence(dst, &e.f.sequence); err != nil || !p.measuring {
			break
		}
	}
	if err == nil && p.v < len(fields) && !p.leading {
		err = dataf("pack expected %d items for packing (got %d)", p.v, len(fields))
	}
	if err == nil {
		err = p.room(out, 0)
	}
	if err != nil {
		p.cut = cut
		return dst[:start], err
	}
	return out, nil
}

// expect checks the number of values of one record.
func (p *packer) expect() error {
	n := int64(len(p.fields))
	want, fixed := p.e.f.Values()
	switch {
	case fixed && n != want && !p.leading:
		return dataf("pack expected %d items for packing (got %d)", want, n)
	case n < want:
		return dataf("pack expected at least %d items for packing (got %d)", want, n)
	}
	return nil
}

// room reports why a record with n bytes more is too large.
func (p *packer) room(dst []byte, n int64) error {
	size := plus(int64(len(dst)-p.start), n)
	switch {
	case p.e.o.tooLong(size):
		return p.e.o.over(fmt.Sprintf("record of %d bytes", size))
	case size > largestRecord:
		return dataf("record of %d bytes is too large", size)
	}
	return nil
}

// asShown makes the number of err's value that among the values which JSON shows.
func asShown(err error, fields []field) error {
	e, ok := err.(*DataError)
	if !ok || e.Value == 0 {
		return err
	}
	n := int(e.Value)
	if n <= len(fields) && fields[n-1].kind == computed {
		e.Why = fmt.Sprintf("list of %s elements: %s", fields[n-1].text, e.Why)
		e.Value = 0
		return err
	}
	for _, f := range fields[:min(n, len(fields))] {
		if f.kind == computed {
			e.Value--
		}
	}
	return err
}
