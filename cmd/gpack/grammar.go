package main

import (
	"fmt"
	"strconv"
	"strings"

	"gcat/internal/cli"
	"gcat/internal/pack"
)

// gpack is the command line.
type gpack struct {
	Decode  bool   `short:"d" help:"Binary to text." group:"what"`
	Frame   bool   `short:"f" help:"FORMAT is a header; its last integer is the payload's length." group:"what"`
	Size    bool   `short:"z" help:"Print the size of one record." group:"what"`
	Explain bool   `help:"Print the items of FORMAT; with -d those of the input." group:"what"`
	Write   string `short:"w" placeholder:"FILE" help:"Encode into FILE at --skip, without truncating it." group:"what" filled:""`

	Count  *int64 `short:"n" placeholder:"N" help:"Exactly N records, and not one byte more." group:"which"`
	Exact  bool   `short:"1" help:"One record and nothing else." group:"which"`
	Skip   offset `short:"s" placeholder:"BYTES" help:"Skip so much first; -N: all but the last N." group:"which"`
	Binary *form  `short:"b" placeholder:"raw|hex|base64|c" help:"Form of the binary side." group:"which"`
	Hex    bool   `short:"x" help:"The same as -b hex." group:"which"`

	JSON       bool      `name:"json" short:"j" help:"JSON lines: arrays, or objects if there are names." group:"text"`
	Names      *string   `short:"k" placeholder:"A,B,C" help:"Names of the values." group:"text"`
	Shell      bool      `short:"S" help:"name=value words, safe for eval." group:"text"`
	Separator  *cli.Text `short:"t" placeholder:"SEP" help:"What separates fields; a tab." group:"text"`
	Null       bool      `short:"0" help:"NUL ends records, not a newline." group:"text"`
	Radix      int       `short:"r" placeholder:"10|16|8|2" default:"10" help:"Radix of integers." group:"text"`
	Offsets    bool      `short:"a" help:"Byte offset of each record first." group:"text"`
	Trim       bool      `short:"T" help:"Strip trailing NULs of s." group:"text"`
	RawStrings bool      `short:"R" help:"No escapes in strings." group:"text"`

	Wrap     bool `help:"Take integers modulo 2^n." group:"values"`
	NoVerify bool `help:"Checksums are integers as any other." group:"values"`
	Strict   bool `help:"Refuse strings too long for s and p." group:"values"`
	Force    bool `help:"Write binary to a terminal after all." group:"values"`

	Length     string   `placeholder:"ITEM" help:"The item that is the length: its number or name." group:"frames" filled:""`
	Adjust     int64    `short:"A" placeholder:"N" help:"The length counts N bytes more than the payload." group:"frames"`
	KeepHeader bool     `short:"H" help:"Leave the header in front of the payload." group:"frames"`
	Lines      bool     `short:"L" help:"Frame each line of input." group:"frames"`
	Exec       string   `short:"e" placeholder:"CMD" help:"Run CMD on each payload, by a shell." group:"frames" filled:""`
	Max        cli.Size `placeholder:"BYTES" default:"64M" help:"Largest frame, string or line." group:"frames"`

	cli.Common

	Format string   `arg:"" passthrough:"partial" help:"Format of one record."`
	Args   []string `arg:"" optional:"" help:"Values, or files."`

	log *cli.Log
}

// offset is a number of bytes from the start of an input, or, if it is negative,
// from the end of a file.
type offset int64

// UnmarshalText implements [encoding.TextUnmarshaler].
func (o *offset) UnmarshalText(text []byte) error {
	s, negative := strings.CutPrefix(string(text), "-")
	n, err := cli.ParseSize(s)
	if digits, ok := strings.CutPrefix(strings.ToLower(s), "0x"); ok {
		var u uint64
		u, err = strconv.ParseUint(digits, 16, 63)
		n = int64(u)
	}
	if err != nil {
		return fmt.Errorf("bad offset %q: want bytes (4096), hex (0x1f0) or powers of 1024 (64K, 8M, 1G)", text)
	}
	if negative {
		n = -n
	}
	*o = offset(n)
	return nil
}

// form is a pack.Form as it is typed.
type form pack.Form

// UnmarshalText implements [encoding.TextUnmarshaler].
func (f *form) UnmarshalText(text []byte) error {
	for _, known := range []pack.Form{pack.Raw, pack.Hex, pack.Base64, pack.C} {
		if string(text) == known.String() {
			*f = form(known)
			return nil
		}
	}
	return fmt.Errorf("unknown form %q: want raw, hex, base64 or c", text)
}

// form is that of the binary side.
func (g *gpack) form() pack.Form {
	switch {
	case g.Hex:
		return pack.Hex
	case g.Binary != nil:
		return pack.Form(*g.Binary)
	}
	return pack.Raw
}

// options are those of internal/pack.
func (g *gpack) options() pack.Options {
	o := pack.Options{
		Null:    g.Null,
		Radix:   g.Radix,
		Raw:     g.RawStrings,
		Trim:    g.Trim,
		Offsets: g.Offsets,
		JSON:    g.JSON,
		Shell:   g.Shell,
		Explain: g.Explain,
		Wrap:    g.Wrap,
		Strict:  g.Strict,
		Form:    g.form(),
		Exact:   g.Exact,
		Max:     int64(g.Max),
	}
	if g.Separator != nil {
		o.Separator = string(*g.Separator)
	}
	if g.Names != nil {
		o.Names = strings.Split(*g.Names, ",")
	}
	if g.Count != nil {
		o.Count, o.Counted = *g.Count, true
	}
	return o
}

// limit is the number of records to convert, -1 if that is not limited.
func (g *gpack) limit() int64 {
	if g.Count == nil {
		return -1
	}
	return *g.Count
}
