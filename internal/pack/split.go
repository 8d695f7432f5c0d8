package pack

import "bytes"

// split appends the fields of a line: at the separator if one was given, else at
// tabs if the line has one or one value is wanted, else at blanks.
func (e *Encoder) split(fields []field, line []byte) []field {
	if e.o.Separator != "" {
		separator := []byte(e.o.Separator)
		for {
			before, after, found := bytes.Cut(line, separator)
			fields = append(fields, field{text: before})
			if !found {
				return fields
			}
			line = after
		}
	}
	n, fixed := e.f.Values()
	if fixed && n == 1 || bytes.IndexByte(line, '\t') >= 0 {
		for {
			i := bytes.IndexByte(line, '\t')
			if i < 0 {
				return append(fields, field{text: line})
			}
			fields = append(fields, field{text: line[:i]})
			line = line[i+1:]
		}
	}
	for len(line) > 0 {
		if isSpace(line[0]) {
			line = line[1:]
			continue
		}
		i := 0
		for i < len(line) && !isSpace(line[i]) {
			i++
		}
		fields = append(fields, field{text: line[:i]})
		line = line[i:]
	}
	if len(fields) == 0 && !fixed && n == 0 && e.f.last().stringLike() {
		// -d writes a lone empty string so.
		fields = append(fields, field{})
	}
	return fields
}

// line appends the record that a line of input describes.
func (e *Encoder) line(dst, line []byte, s *scratch) ([]byte, error) {
	var err error
	if e.o.JSON {
		s.fields, err = e.parseJSON(line, s)
	} else {
		s.fields = e.split(s.fields[:0], line)
	}
	if err != nil {
		return dst, err
	}
	return e.record(dst, s.fields, s)
}
