package pack

import (
	"fmt"
	"strings"
)

// A Row is one item of a format's layout, as text.
type Row struct{ Offset, Size, Code, Name string }

// Layout lists the items of f with the names that o gives them. The padding of
// native alignment has rows of its own; what varies is a question mark.
func (f *Format) Layout(o Options) []Row {
	var rows []Row
	fixed := true
	for i := range f.items {
		it := &f.items[i]
		if it.padding > 0 {
			rows = append(rows, Row{fmt.Sprint(it.offset - it.padding), fmt.Sprint(it.padding), fmt.Sprintf("%dx", it.padding), "(alignment)"})
		}
		row := Row{Offset: "?", Size: "?", Code: it.Code, Name: it.Name}
		if it.offset >= 0 && fixed {
			row.Offset = fmt.Sprint(it.offset)
		}
		switch {
		case it.Rest:
			row.Code = "*" + it.Code
		case it.Count != 1:
			row.Code = fmt.Sprint(it.Count) + it.Code
		}
		if !it.Rest && (!it.varies || it.Count == 0) {
			row.Size = fmt.Sprint(it.Count * int64(it.width))
		} else {
			fixed = false
		}
		if o.Names != nil {
			row.Name = strings.Join(o.Names[it.first:it.first+it.elements()*it.perElement()], ",")
		}
		rows = append(rows, row)
	}
	return rows
}

// Quoted is the format as diagnostics show it.
func (f *Format) Quoted() string { return quote(f.Text) }
