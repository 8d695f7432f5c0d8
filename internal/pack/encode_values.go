package pack

import "io"

// CheckValues reports why [Encoder.EncodeValues] cannot encode the values.
func (e *Encoder) CheckValues(values []string, limit int64) error {
	if n, fixed := e.f.Values(); n == 0 && fixed && !e.o.JSON {
		limit = min(limit, 1) // all records are equal
	}
	_, err := e.EncodeValues(io.Discard, values, limit)
	return err
}

// EncodeValues writes the records that values describe: the format is used again
// until they are used up. All records before a bad value have been written when it
// returns: [Encoder.CheckValues] finds it first. With JSON each value is one record. A
// limit that is not negative is how many records there must be.
func (e *Encoder) EncodeValues(dst io.Writer, values []string, limit int64) (Counts, error) {
	count, err := e.records(int64(len(values)), limit)
	if err != nil {
		return Counts{}, err
	}
	w := recordWriter{output{dst: dst}, e.o.Form}
	_, fixed := e.f.Values()
	p := packer{leading: !e.o.JSON && (fixed || count < 0)}
	err = e.encodeAll(&w, operands(values), count, &p)
	if err == nil && count < 0 && limit >= 0 && limit != w.count.Records {
		err = dataf("pack expected %d records, got %d", limit, w.count.Records)
	}
	w.count.Cut = p.cut
	return w.finish(0, err)
}

// operands are the fields of values.
func operands(values []string) []field {
	fields := make([]field, len(values))
	for i, v := range values {
		fields[i].text = []byte(v)
	}
	return fields
}

// encodeAll encodes count records, or until all fields are used if that is negative.
func (e *Encoder) encodeAll(w *recordWriter, fields []field, count int64, p *packer) error {
	var record []byte
	var err error
	used := 0
	for i := int64(0); i < count || count < 0 && used < len(fields); i++ {
		if e.o.JSON {
			record, err = e.line(record[:0], fields[i].text, p)
		} else {
			record, err = e.record(record[:0], fields[used:], p)
		}
		if err != nil {
			return e.inOperands(err, i, int64(used))
		}
		if count < 0 && p.v == 0 {
			return dataf("pack expected 0 items for packing (got %d)", len(fields)-used)
		}
		used += p.v
		if err := w.record(record); err != nil {
			return err
		}
	}
	return nil
}

// records works out how many records the values make; it is negative if the values say
// how many of them each record takes.
func (e *Encoder) records(got, want int64) (int64, error) {
	per, fixed := e.f.Values()
	if e.o.Exact {
		want = 1
	}
	switch {
	case e.o.JSON && want >= 0 && want != got:
		return 0, dataf("pack expected %d records, got %d", want, got)
	case e.o.JSON:
		return got, nil
	case !fixed && !e.f.rest && want != 1:
		return -1, nil
	case !fixed && want == 0 && got == 0:
		return 0, nil
	case !fixed && want >= 0 && want != 1:
		return 0, dataf("pack expected %d records, got 1", want)
	case !fixed:
		return 1, nil
	case want >= 0 && got != saturated(want, per):
		return 0, dataf("pack expected %d items for packing (got %d)", saturated(want, per), got)
	case want >= 0:
		return want, nil
	case per == 0 && got == 0:
		return 1, nil
	case per == 0 || got == 0 || got%per != 0:
		return 0, dataf("pack expected %d items for packing (got %d)", per, got)
	}
	return got / per, nil
}

// inOperands makes the error of a record count from the first operand: used of them come
// before the record.
func (e *Encoder) inOperands(err error, record, used int64) error {
	d, ok := err.(*DataError)
	switch {
	case !ok:
		return err
	case d.Value > 0 && !e.o.JSON:
		d.Value += used
	case record > 0 || e.o.JSON:
		return dataf("record %d: %s", record+1, d)
	}
	return d
}
