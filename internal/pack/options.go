package pack

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Options say how records are written as text and how text is read. The zero
// value is one line a record, its fields separated by tabs.
type Options struct {
	// Separator stands between the fields of a line; "" is a tab, and in
	// reading blanks too.
	Separator string
	// Null ends lines with a NUL byte in place of a newline.
	Null bool
	// Radix is the base in which integers are written: 2, 8, 10 or 16; 0 is 10.
	Radix int
	// Raw writes and reads strings without escapes.
	Raw bool
	// Trim strips trailing NUL bytes of s.
	Trim bool
	// Offsets puts the offset of each record in front of it.
	Offsets bool
	// Skipped is how many bytes of the input were left out: offsets count them.
	Skipped int64
	// JSON writes and reads an array a line, or an object if there are names.
	JSON bool
	// Shell writes name=value words.
	Shell bool
	// Explain writes a line for each item in place of one for each record: its
	// offset, its bytes in hex, its code, its name and its value.
	Explain bool
	// Names are those of the values, one each; nil takes those of the format.
	Names []string
	// Wrap takes integers modulo 2^n.
	Wrap bool
	// Strict refuses strings that are too long for s and p.
	Strict bool
	// Form is that of the binary side.
	Form Form
	// Exact wants exactly one record.
	Exact bool
	// Max is the size in bytes of the largest frame, of the largest record made,
	// and of the longest string read whose length is in the data; 0 is no limit.
	// A line may be six times as long, for its escapes, and 256 KiB more, and have Max
	// separators.
	Max int64
	// MaxName is what errors call Max; "" is "the limit".
	MaxName string
}

// Form is how bytes are written and read.
type Form uint8

// The forms of the binary side.
const (
	Raw Form = iota
	Hex
	Base64
	C // 0x01, 0xbb,
)

// Counts are how much a conversion has read, written and cut.
type Counts struct {
	Records int64
	Read    int64 // bytes, as they were read
	Written int64 // bytes, as they were written
	Cut     int64 // strings that were too long for their s or p
}

func (o *Options) separator() string {
	if o.Separator == "" {
		return "\t"
	}
	return o.Separator
}

// end is the byte that ends a line.
func (o *Options) end() byte {
	if o.Null {
		return 0
	}
	return '\n'
}

// radix is that of integers.
func (o *Options) radix() int { return cmp.Or(o.Radix, 10) }

// tooLong reports whether n bytes are over the limit.
func (o *Options) tooLong(n int64) bool { return o.Max > 0 && n > o.Max }

// over is the error of what is too long.
func (o *Options) over(what string) *DataError {
	return dataf("%s is over %s %d", what, cmp.Or(o.MaxName, "the limit"), o.Max)
}

// CheckNames reports what is wrong with the names that o gives the values of f. For
// JSON and Shell every value must have one; for Shell it must be a word that a shell can
// assign to.
func (o *Options) CheckNames(f *Format) error {
	needed, shell := o.JSON || o.Shell, o.Shell
	if o.Names == nil {
		if shell && f.grouped {
			return fmt.Errorf("%s has groups: they cannot be variables of the shell", quote(f.Text))
		}
		if !needed || !shell && !f.named && !f.grouped {
			return nil
		}
		return o.checkItemNames(f, &f.sequence, shell)
	}
	switch n, fixed := f.Values(); {
	case f.named:
		return fmt.Errorf("names given twice: in %s and apart from it", quote(f.Text))
	case f.grouped:
		return fmt.Errorf("%s has groups: its values have their names there", quote(f.Text))
	case !fixed:
		return fmt.Errorf("%s can have any number of values: they cannot be named", quote(f.Text))
	case n != int64(len(o.Names)):
		return fmt.Errorf("%s has %s, not %d, to be named", quote(f.Text), values(n), len(o.Names))
	}
	seen := map[string]bool{}
	for _, name := range o.Names {
		switch {
		case name == "":
			return fmt.Errorf("empty name among the names")
		case !utf8.ValidString(name):
			return fmt.Errorf("name %s is not UTF-8", quote(name))
		case seen[name]:
			return fmt.Errorf("name %s given twice", quote(name))
		case shell && !isWord(name):
			return fmt.Errorf("name %s is no variable of the shell", quote(name))
		case o.Offsets && needed && name == "offset":
			return fmt.Errorf("name %s is that of the record's own offset", quote(name))
		}
		seen[name] = true
	}
	return nil
}

// values is a number of values, in words.
func values(n int64) string {
	if n == 1 {
		return "1 value"
	}
	return fmt.Sprintf("%d values", n)
}

// checkItemNames is CheckNames for the names within a format: of a level, all
// values have names or none has.
func (o *Options) checkItemNames(f *Format, s *sequence, shell bool) error {
	named := shell || s.named
	for i := range s.items {
		it := &s.items[i]
		if it.kind == group {
			if err := o.checkItemNames(f, it.group, shell); err != nil {
				return err
			}
		}
		switch {
		case !named || !it.isMember():
		case it.Name == "" && it.kind == group:
			return fmt.Errorf("group %s of %s has no name", quote(it.Code), quote(f.Text))
		case it.Name == "":
			return fmt.Errorf("value %d of %s has no name", it.first+1, quote(f.Text))
		case shell && it.several():
			return fmt.Errorf("name %s stands for several values", quote(it.Name))
		case shell && !isWord(it.Name):
			return fmt.Errorf("name %s is no variable of the shell", quote(it.Name))
		case o.Offsets && it.Name == "offset" && s == &f.sequence:
			return fmt.Errorf("name %s is that of the record's own offset", quote(it.Name))
		}
	}
	return nil
}

// isWord reports whether a shell can assign to name.
func isWord(name string) bool {
	const digits, letters = "0123456789", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
	return name != "" && strings.Trim(name, letters+digits) == "" && strings.IndexByte(digits, name[0]) < 0
}

// CheckSeparator returns an error if escapes cannot keep the separator out of strings.
func (o *Options) CheckSeparator() error {
	if o.Separator != "" && !o.Raw && separatorByte(o.Separator) == 0 {
		return fmt.Errorf("separator %s is part of numbers and escapes", quote(o.Separator))
	}
	return nil
}
