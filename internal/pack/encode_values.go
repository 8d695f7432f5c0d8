package pack

import "io"

// EncodeValues writes the records that values describe: the format is used again
// until they are used up. All of them are checked before the first byte is
// written. With JSON each value is one record.
func (e *Encoder) EncodeValues(dst io.Writer, values []string) (Counts, error) {
	fields := operands(values)
	w, check := recordWriter{output{dst: dst}, e.o.Form}, recordWriter{output: output{dst: io.Discard}}
	if e.f.open && !e.f.rest && !e.o.JSON && e.wanted() != 1 {
		if err := e.encodeCounted(&check, fields); err != nil {
			return Counts{}, err
		}
		return w.finish(0, e.encodeCounted(&w, fields))
	}
	per, count, err := e.share(int64(len(values)))
	if err != nil {
		return Counts{}, err
	}
	once := count
	if per == 0 {
		once = min(count, 1) // all records are equal
	}
	if err := e.encodeAll(&check, fields, per, once); err != nil {
		return Counts{}, err
	}
	return w.finish(0, e.encodeAll(&w, fields, per, count))
}

// operands are the fields of values.
func operands(values []string) []field {
	fields := make([]field, len(values))
	for i, v := range values {
		fields[i].text = []byte(v)
	}
	return fields
}

// encodeAll encodes count records of per values each.
func (e *Encoder) encodeAll(w *recordWriter, fields []field, per, count int64) error {
	var s packer
	var record []byte
	var err error
	defer func() { w.count.Cut = s.cut }()
	for i := range count {
		group := fields[i*per : (i+1)*per]
		if e.o.JSON {
			if record, err = e.line(record[:0], group[0].text, &s); err != nil {
				return atRecord(err, i)
			}
		} else if record, err = e.record(record[:0], group, &s); err != nil {
			return afterValues(err, i*per)
		}
		if err := w.record(record); err != nil {
			return err
		}
	}
	return nil
}

// encodeCounted encodes records whose values say how many values they have.
func (e *Encoder) encodeCounted(w *recordWriter, fields []field) error {
	s := packer{leading: true}
	defer func() { w.count.Cut = s.cut }()
	var record []byte
	var err error
	used, count := 0, int64(0)
	for ; used < len(fields); count++ {
		if record, err = e.record(record[:0], fields[used:], &s); err != nil {
			if e, ok := err.(*DataError); ok && e.Value == 0 && count > 0 {
				return dataf("record %d: %s", count+1, e.Error())
			}
			return afterValues(err, int64(used))
		}
		if s.v == 0 {
			return dataf("pack expected 0 items for packing (got %d)", len(fields)-used)
		}
		used += s.v
		if err := w.record(record); err != nil {
			return err
		}
	}
	if want := e.wanted(); want >= 0 && want != count {
		return dataf("pack expected %d records, got %d", want, count)
	}
	return nil
}

// share works out how many values each record gets, and how many records there
// are, from the number of values.
func (e *Encoder) share(got int64) (per, count int64, err error) {
	per, fixed := e.f.Values()
	want := e.wanted()
	if e.o.JSON {
		if want >= 0 && want != got {
			return 0, 0, dataf("pack expected %d records, got %d", want, got)
		}
		return 1, got, nil
	}
	switch {
	case !fixed && want == 0 && got == 0:
		return 0, 0, nil
	case !fixed && want >= 0 && want != 1:
		return 0, 0, dataf("pack expected %d records, got 1", want)
	case !fixed:
		return got, 1, nil
	case want >= 0 && got != saturated(want, per):
		return 0, 0, dataf("pack expected %d items for packing (got %d)", saturated(want, per), got)
	case want >= 0:
		return per, want, nil
	case per == 0 && got == 0:
		return 0, 1, nil
	case per == 0 || got == 0 || got%per != 0:
		return 0, 0, dataf("pack expected %d items for packing (got %d)", per, got)
	}
	return per, got / per, nil
}

// wanted is how many records there must be, -1 if any number may.
func (e *Encoder) wanted() int64 {
	switch {
	case e.o.Counted:
		return e.o.Count
	case e.o.Exact:
		return 1
	}
	return -1
}

// afterValues makes the value of err count from the first operand.
func afterValues(err error, values int64) error {
	if e, ok := err.(*DataError); ok && e.Value > 0 {
		e.Value += values
	}
	return err
}

// atRecord puts the number of the record in front of err, for JSON operands.
func atRecord(err error, i int64) error {
	e, ok := err.(*DataError)
	if !ok {
		return err
	}
	where := "value"
	if e.Value > 0 {
		where = "record"
	}
	return dataf("%s %d: %s", where, i+1, e)
}
