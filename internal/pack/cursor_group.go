package pack

import (
	"fmt"
	"io"
	"strings"
)

// mostEmpty is how many elements without a byte there can be in one place of a record, in
// groups within each other too. A count in the data costs its sender nothing, so there
// must be a limit.
const mostEmpty = 1 << 16

// group decodes the elements of a group.
func (c *cursor) group(p *op) error {
	count, err := c.countOf(p)
	if p.Rest {
		count = -1
	}
	behind := c.behind
	c.depth++
	for n := int64(0); err == nil && n != count; {
		if count < 0 && len(c.bytes()) == 0 {
			if err = c.more(p, 1); err == io.EOF {
				err = nil
				break
			}
			continue
		}
		if p.inner.fast && c.comma {
			if k := c.fastElements(p.inner, count-n); k > 0 {
				n += k
				continue
			}
		}
		n++
		if count >= 0 {
			c.behind = plus(plus(behind, p.behind), saturated(count-n, p.least()))
		}
		err = c.groupElement(p, n, count)
	}
	c.depth--
	c.behind = behind
	return err
}

// fastElements decodes the elements that have been read, at most count of them unless
// it is negative, and returns how many they are. Other values precede them in the line
// or list: each begins with a separator.
func (c *cursor) fastElements(l *level, count int64) int64 {
	b, size := c.bytes(), int(l.size)
	n := int64(len(b) / size)
	if count >= 0 {
		n = min(n, count)
	}
	dst := c.ready
	for range n {
		dst = c.d.fastValues(dst, l, b[:size:size])
		if l.close != "" {
			dst = append(dst, l.close...)
		}
		b = b[size:]
	}
	c.ready = dst
	c.done(int(n) * size)
	if count < 0 {
		c.commit()
	}
	return n
}

// groupElement decodes the element of a group with that number, from 1.
func (c *cursor) groupElement(p *op, number, count int64) error {
	begins := c.at
	switch {
	case c.d.o.Explain:
		c.explainElement(p, number, count)
	case c.d.o.JSON:
		c.ready = append(c.separate(c.ready), p.inner.open...)
		c.comma = false
	}
	err := c.sequence(p.inner)
	if err == nil && c.at == begins {
		err = c.countEmpty()
	}
	if err == io.EOF && !c.d.o.Exact {
		err = c.cutElement(p, begins)
	}
	if err != nil {
		return c.inGroup(err, number, count)
	}
	if c.d.o.JSON {
		c.ready = append(c.ready, p.inner.close...)
		c.comma = true
	}
	if count < 0 {
		c.commit()
	}
	return nil
}

// countEmpty counts an element without a byte.
func (c *cursor) countEmpty() error {
	if c.at != c.hollow {
		c.empty, c.hollow = 0, c.at
	}
	if c.empty++; c.empty > mostEmpty {
		return dataf("more than %d elements without a byte at offset %d", mostEmpty, c.offset+c.at)
	}
	return nil
}

// cutElement is the error of an input that ends within an element of a group.
func (c *cursor) cutElement(p *op, begins int64) error {
	n := c.at + int64(len(c.bytes())) - begins
	need := p.inner.size
	if !p.inner.fixed {
		need = max(p.least(), n+1)
	}
	err := leftOver(n, c.offset+begins, p.Code, p.inner.fixed, need)
	if n == 0 {
		err.Why = strings.Replace(err.Why, "0 bytes left over", "end of input", 1)
	}
	return err
}

// inGroup puts the number of the element in front of err and, for the outermost group,
// that of the record.
func (c *cursor) inGroup(err error, number, count int64) error {
	e, ok := err.(*DataError)
	if !ok {
		return err
	}
	e.Why = groupPlace(number, count) + e.Why
	if c.depth == 1 {
		return c.inRecord(e)
	}
	return e
}

// inRecord puts the number of the record in front of err; the header of a frame has none.
func (c *cursor) inRecord(err *DataError) *DataError {
	if c.hold {
		return err
	}
	return dataf("record %d: %s", c.count.Records+1, err.Why)
}

// bad is an error of the data at the current element.
func (c *cursor) bad(format string, args ...any) error {
	err := dataf(format, args...)
	if c.depth > 0 {
		return err // inGroup does the rest
	}
	return c.inRecord(err)
}

// atOffset adds an offset in the record to err.
func (c *cursor) atOffset(err *DataError, at int64) error {
	return dataf("%s at offset %d", err.Why, c.offset+at)
}

// groupPlace is what stands in front of an error within an element of a group; the
// count is negative if there can be any number.
func groupPlace(number, count int64) string {
	if count < 0 {
		return fmt.Sprintf("group %d: ", number)
	}
	return fmt.Sprintf("group %d of %d: ", number, count)
}
