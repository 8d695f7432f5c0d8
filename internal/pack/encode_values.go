package pack

import "io"

// CheckValues reports why [Encoder.EncodeValues] cannot encode the values.
func (e *Encoder) CheckValues(values []string, limit int64) error {
	fields := operands(values)
	per, count, err := e.share(int64(len(values)), limit)
	if err != nil {
		return err
	}
	if per == 0 {
		count = min(count, 1) // all records are equal
	}
	return e.encodeAll(&recordWriter{output: output{dst: io.Discard}}, fields, per, count, limit)
}

// EncodeValues writes the records that values describe: the format is used again
// until they are used up. All records before a bad value have been written when it
// returns: [Encoder.CheckValues] finds it first. With JSON each value is one record. A
// limit that is not negative is how many records there must be.
func (e *Encoder) EncodeValues(dst io.Writer, values []string, limit int64) (Counts, error) {
	fields := operands(values)
	per, count, err := e.share(int64(len(values)), limit)
	if err != nil {
		return Counts{}, err
	}
	w := recordWriter{output{dst: dst}, e.o.Form}
	return w.finish(0, e.encodeAll(&w, fields, per, count, limit))
}

// operands are the fields of values.
func operands(values []string) []field {
	fields := make([]field, len(values))
	for i, v := range values {
		fields[i].text = []byte(v)
	}
	return fields
}

// encodeAll encodes count records of per values each; or, if per is negative, records
// that say how many values they have, until all are used.
func (e *Encoder) encodeAll(w *recordWriter, fields []field, per, count, want int64) error {
	p := packer{leading: per < 0}
	defer func() { w.count.Cut = p.cut }()
	var record []byte
	var err error
	used := int64(0)
	for i := int64(0); i < count || p.leading && used < int64(len(fields)); i++ {
		switch {
		case e.o.JSON:
			record, err = e.line(record[:0], fields[i].text, &p)
		case p.leading:
			record, err = e.record(record[:0], fields[used:], &p)
		default:
			record, err = e.record(record[:0], fields[used:used+per], &p)
		}
		if err != nil {
			return e.inOperands(err, i, used)
		}
		if p.leading && p.v == 0 {
			return dataf("pack expected 0 items for packing (got %d)", int64(len(fields))-used)
		}
		used += int64(p.v)
		if err := w.record(record); err != nil {
			return err
		}
	}
	if p.leading && want >= 0 && want != w.count.Records {
		return dataf("pack expected %d records, got %d", want, w.count.Records)
	}
	return nil
}

// share works out how many values each record gets, and how many records there are,
// from the number of values; per is negative if the values say how many they are.
func (e *Encoder) share(got, want int64) (per, count int64, err error) {
	per, fixed := e.f.Values()
	if e.o.Exact {
		want = 1
	}
	switch {
	case e.o.JSON && want >= 0 && want != got:
		return 0, 0, dataf("pack expected %d records, got %d", want, got)
	case e.o.JSON:
		return 1, got, nil
	case !fixed && !e.f.rest && want != 1:
		return -1, 0, nil
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
