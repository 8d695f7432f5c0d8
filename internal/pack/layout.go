package pack

import (
	"fmt"
	"strings"
)

// A Row is one item of a format's layout, as text.
type Row struct{ Offset, Size, Code, Name string }

// Layout lists the items of f with the names in o. The padding of native alignment has
// rows of its own; an offset or a size that varies is a question mark. The items of a
// group are indented and have the offsets of its first element, if all are laid out alike.
func (f *Format) Layout(o Options) []Row { return f.rows(nil, o, "") }

func (s *sequence) rows(rows []Row, o Options, indent string) []Row {
	for i := range s.items {
		it := &s.items[i]
		if it.padding > 0 && it.kind != boundary {
			rows = append(rows, Row{fmt.Sprint(it.offset - it.padding), fmt.Sprint(it.padding), indent + fmt.Sprintf("%dx", it.padding), "(alignment)"})
		}
		row := Row{Offset: "?", Size: "?", Code: indent + it.withCount(), Name: it.Name}
		if it.offset >= 0 {
			row.Offset = fmt.Sprint(it.offset)
		}
		switch {
		case it.kind == boundary && it.offset >= 0:
			row.Offset, row.Size = fmt.Sprint(it.offset-it.padding), fmt.Sprint(it.padding)
		case it.kind == boundary || it.Rest || it.counter > 0 || it.varies && it.Count > 0:
		case it.kind == group && it.group.fixed:
			row.Size = fmt.Sprint(it.Count * it.group.size)
		case it.kind != group:
			row.Size = fmt.Sprint(it.Count * int64(it.width))
		}
		switch {
		case o.Names != nil:
			row.Name = strings.Join(o.Names[it.first:it.first+it.elements*it.perElement], ",")
		case it.computed():
			row.Name = strings.TrimSpace(row.Name + " (computed)")
		}
		rows = append(rows, row)
		if it.kind == group {
			rows = it.group.rows(rows, o, indent+"  ")
		}
	}
	return rows
}

// withCount is the code with its count.
func (it *item) withCount() string {
	code := it.Code
	if it.kind == group {
		code = "("
	}
	switch {
	case it.Rest:
		return "*" + code
	case it.reference != "":
		return "{#" + it.reference + "}" + code
	case it.Count != 1:
		return fmt.Sprint(it.Count) + code
	}
	return code
}

// Quoted is the format as diagnostics show it.
func (f *Format) Quoted() string { return quote(f.Text) }
