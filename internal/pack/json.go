package pack

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
)

// parseJSON reads the values of one record: an array of them, or an object with
// their names. It appends to fields what a line of text would have, the counts of
// groups among them.
func (e *Encoder) parseJSON(fields []field, line []byte, p *jsonParser) ([]field, error) {
	if !json.Valid(line) {
		return fields, syntaxError(line)
	}
	p.b, p.i, p.fields, p.members, p.digits = line, 0, fields, p.members[:0], p.digits[:0]
	if len(p.places) < e.f.slots {
		p.places = make([]place, e.f.slots)
	}
	err := p.record(&e.f.sequence, e.o.Names, e.f.Text)
	return p.fields, err
}

// A place is where the integer that counts a list is among the fields.
type place struct {
	field int  // its index
	set   bool // a list has been counted
}

// record reads the items of s: an array, or an object whose members have the names
// of the items, or of the values if names is not nil.
func (p *jsonParser) record(s *sequence, names []string, text string) error {
	switch p.next() {
	case '[':
		return p.array(s)
	case '{':
		if names == nil && !s.named {
			return dataf("JSON object, but the values of %s have no names", quote(text))
		}
		return p.object(s, names)
	}
	return p.fail("want an array or an object")
}

// object reads an object: it finds its members, and reads them in the order of the items.
// Without names of the values, they are those of the items.
func (p *jsonParser) object(s *sequence, names []string) error {
	ofItems := names == nil
	if ofItems {
		names = s.names
	}
	base := len(p.members)
	p.members = append(p.members, make([]int, len(names))...)
	members := p.members[base:]
	if err := p.find(members, names); err != nil {
		return err
	}
	end := p.i
	for i, at := range members {
		if ofItems && s.items[i].isCount {
			p.place(&s.items[i])
		}
		p.i = at
		var err error
		switch {
		case names[i] == "":
		case at == 0:
			err = dataf("no value for %s", quote(names[i]))
		case ofItems:
			err = p.member(&s.items[i])
		default:
			err = p.one()
		}
		if err != nil {
			return err
		}
	}
	p.i = end
	p.members = p.members[:base]
	return nil
}

// find sets the places of the members of an object, and goes behind it.
func (p *jsonParser) find(members []int, names []string) error {
	for p.i++; p.next() != '}'; p.skip() {
		name, err := p.string()
		if err != nil {
			return err
		}
		i := slices.IndexFunc(names, func(n string) bool { return n == string(name) })
		switch {
		case i < 0 || len(name) == 0:
			return dataf("no value is named %s", shown(name))
		case members[i] > 0:
			return dataf("%s given twice", shown(name))
		}
		p.next()
		members[i] = p.i
	}
	p.i++
	return nil
}

// isMember reports whether the item is a member of an object.
func (it *item) isMember() bool {
	return it.columns() > 0 || it.Rest && it.perElement > 0
}

// member reads the value of a member, which is that of an item.
func (p *jsonParser) member(it *item) error {
	switch {
	case it.kind == group:
		return p.group(it)
	case !it.several():
		return p.one()
	case p.next() != '[':
		return p.fail("want an array for " + quote(it.Name))
	}
	return p.values(it.columns(), it.Rest, quote(it.Name)+": ")
}

// array reads the items of s in an array. It checks the number of values: one too many
// would be taken for the first of the next element.
func (p *jsonParser) array(s *sequence) error {
	if !s.grouped {
		return p.values(s.values, s.open, "")
	}
	p.i++
	if err := p.items(s); err != nil {
		return err
	}
	if p.next() != ']' {
		return p.fail("too many values")
	}
	p.i++
	return nil
}

// items reads the items of s, without the brackets around them.
func (p *jsonParser) items(s *sequence) error {
	for i := range s.items {
		it := &s.items[i]
		if it.isCount {
			p.place(it)
		}
		for n := it.columns(); n > 0 || it.Rest; n-- {
			if p.next() == ']' && it.Rest && it.kind != group {
				break
			}
			if p.next() == ']' {
				return p.fail("too few values")
			}
			if it.kind == group {
				if err := p.group(it); err != nil {
					return err
				}
				break
			}
			if err := p.one(); err != nil {
				return err
			}
		}
	}
	return nil
}

// group reads the elements of a group.
func (p *jsonParser) group(it *item) error {
	if p.next() != '[' {
		return p.fail("want an array of groups")
	}
	n := int64(0)
	for p.i++; p.next() != ']'; n++ {
		var err error
		if it.group.bare {
			err = p.items(it.group)
		} else {
			err = p.record(it.group, nil, it.Code)
		}
		if e, ok := err.(*DataError); ok {
			e.Why = groupPlace(n+1, -1) + e.Why
		}
		if err != nil {
			return err
		}
	}
	p.i++
	switch {
	case it.counter > 0:
		return p.counted(it.counter-1, n)
	case it.Count != n && !it.Rest:
		return dataf("%s: pack expected %d groups for packing (got %d)", quote(it.Code), it.Count, n)
	}
	return nil
}

// place makes a field for an integer that counts the elements of a list.
func (p *jsonParser) place(it *item) {
	p.places[it.slot-1] = place{field: len(p.fields)}
	p.fields = append(p.fields, field{text: zero, kind: computed})
}

var zero = []byte("0")

// counted sets the integer that counts a list of n elements.
func (p *jsonParser) counted(slot int, n int64) error {
	at := len(p.digits)
	p.digits = strconv.AppendInt(p.digits, n, 10)
	text := p.digits[at:]
	place := &p.places[slot]
	f := &p.fields[place.field]
	if place.set && !bytes.Equal(f.text, text) {
		return dataf("lists of %s and %s elements refer to one count", f.text, text)
	}
	place.set, f.text = true, text
	return nil
}

// one reads one value of the record.
func (p *jsonParser) one() error {
	v, err := p.value()
	if err != nil {
		return atValue(err, int64(len(p.fields)+1))
	}
	p.fields = append(p.fields, v)
	return nil
}

// values reads an array of want values, or of any number of them; what stands in front
// of the error of a wrong number.
func (p *jsonParser) values(want int64, any bool, what string) error {
	got := int64(0)
	for p.i++; p.next() != ']'; got++ {
		if err := p.one(); err != nil {
			return err
		}
	}
	p.i++
	if got != want && !any {
		return dataf("%spack expected %d items for packing (got %d)", what, want, got)
	}
	return nil
}
