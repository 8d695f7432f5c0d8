package main

import (
	"fmt"
	"strconv"
	"strings"

	"gcat/internal/cli"
	"gcat/internal/pack"
)

// gpack is the command line. help.txt describes the options.
type gpack struct {
	Decode  bool `short:"d"`
	Frame   bool `short:"f"`
	Size    bool `short:"z"`
	Explain bool
	Write   string `short:"w" filled:""`

	Count  *int64     `short:"n" least:"0"`
	Exact  bool       `short:"1"`
	Skip   offset     `short:"s"`
	Binary *pack.Form `short:"b"`
	Hex    bool       `short:"x"`

	JSON       bool      `name:"json" short:"j"`
	Names      *string   `short:"k"`
	Shell      bool      `short:"S"`
	Separator  *cli.Text `short:"t"`
	Null       bool      `short:"0"`
	Radix      int       `short:"r" default:"10"`
	Offsets    bool      `short:"a"`
	Trim       bool      `short:"T"`
	RawStrings bool      `short:"R"`

	Wrap     bool
	NoVerify bool
	Strict   bool
	Force    bool

	Length     string   `filled:""`
	Adjust     int64    `short:"A"`
	KeepHeader bool     `short:"H"`
	Lines      bool     `short:"L"`
	Exec       string   `short:"e" filled:""`
	Max        cli.Size `default:"64M"`

	cli.Common

	Format string   `arg:"" passthrough:"partial"`
	Args   []string `arg:"" optional:""`

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

// form is that of the binary side.
func (g *gpack) form() pack.Form {
	switch {
	case g.Hex:
		return pack.Hex
	case g.Binary != nil:
		return *g.Binary
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
		MaxName: "--max",
	}
	if g.Separator != nil {
		o.Separator = string(*g.Separator)
	}
	if g.Names != nil {
		o.Names = strings.Split(*g.Names, ",")
	}
	return o
}

// limit is the number of records to convert, -1 if that is not limited. Exact wants one
// record whatever Count is, and the end of the input behind it.
func (g *gpack) limit() int64 {
	if g.Count == nil || g.Exact {
		return -1
	}
	return *g.Count
}
