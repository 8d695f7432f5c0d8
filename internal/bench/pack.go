//go:build linux

package main

// The programs that people pack and unpack with. Perl's are its fastest ways:
// pack and unpack of a whole chunk.
const (
	perlDecode = `$/ = \1048576; while (<STDIN>) { print join("\n", unpack("N*", $_)), "\n" }`
	perlEncode = `$/ = \1048576; my $rest = ""; while (<STDIN>) { $_ = $rest . $_; my $i = rindex($_, "\n") + 1;` +
		` $rest = substr($_, $i); print pack("N*", split(/\n/, substr($_, 0, $i))) }`
	perlJSON         = `$/ = \1048576; while (<STDIN>) { print "[", join("]\n[", unpack("N*", $_)), "]\n" }`
	perlHex          = `$/ = \1048576; while (<STDIN>) { print map(sprintf("0x%08x\n", $_), unpack("N*", $_)) }`
	perlOffsets      = `$/ = \1048576; my $at = 0; while (<STDIN>) { for (unpack("N*", $_)) { print "$at\t$_\n"; $at += 4 } }`
	perlJSONLines    = `print pack("N", /(\d+)/)`
	perlLines        = `print pack("N", $_)`
	perlMixed        = `$/ = \31; while (<STDIN>) { print join("\t", unpack("CnNq>a8d>", $_)), "\n" }`
	perlMixedLines   = `chomp; print pack("CnNq>a8d>", split(/\t/))`
	pythonIterUnpack = `import sys, struct
s = struct.Struct("!I"); out = sys.stdout
while b := sys.stdin.buffer.read(1 << 20): out.write("".join(["%d\n" % v for v, in s.iter_unpack(b)]))`
	pythonGroups = `import sys, struct
s = struct.Struct("!HB"); b = sys.stdin.buffer.read()
print("\t".join(["%d\t%d" % s.unpack_from(b, i) for i in range(0, len(b), s.size)]))`
	pythonCounted = `import sys, struct
n = struct.Struct("!H"); s = struct.Struct("!IHH"); b = sys.stdin.buffer.read(); out = sys.stdout; i = 0
while i < len(b):
    count, = n.unpack_from(b, i); i += 2; v = [count]
    for _ in range(count): v += s.unpack_from(b, i); i += 8
    out.write("\t".join(map(str, v)) + "\n")`
)

// mixed is a record of everything that is common.
const mixed = "!BHIq8sd"

// gpackCells are the questions put to gpack and its peers: integers to lines and
// back, from a file and in a pipeline, mixed records, and how long it takes to do
// next to nothing.
func gpackCells(b *Bench) []Cell {
	d := &packData{b: b}
	gpack := b.Binary("gpack")
	memory := Bound{Of: Memory, Limit: 32}
	decoders := []program{
		{name: "gpack", argv: []string{gpack, "-d", "!I"}},
		{name: "od", argv: []string{"od", "-An", "-v", "-tu4", "-w4", "--endian=big"}},
		{name: "perl", argv: []string{"perl", "-e", perlDecode}},
		{name: "python", argv: []string{"python3", "-c", pythonIterUnpack}},
	}
	encoders := []program{
		{name: "gpack", argv: []string{gpack, "!I"}},
		{name: "perl", argv: []string{"perl", "-e", perlEncode}},
		{name: "perl -n", argv: []string{"perl", "-ne", perlLines}},
	}
	cat := program{name: "cat", argv: []string{"cat"}, limit: true}
	return []Cell{
		d.cell("decode", "!I to lines, from a file to /dev/null", integersFile, decoders, false,
			memory, Bound{Against: "od", Limit: 25}),
		d.cell("decode-pipe", "the same in cat F | X | cat >/dev/null", integersFile, append(decoders[:3:3], cat), true,
			memory, Bound{Against: "perl", Limit: 12}),
		d.cell("encode", "lines back to !I, from a file to /dev/null", linesFile, encoders, false,
			memory, Bound{Against: best, Limit: 12}),
		d.cell("encode-pipe", "the same in cat F | X | cat >/dev/null", linesFile, append(encoders, cat), true, memory),
		d.cell("mixed-decode", mixed+" to lines", mixedFile, []program{
			{name: "gpack", argv: []string{gpack, "-d", mixed}},
			{name: "perl", argv: []string{"perl", "-e", perlMixed}},
		}, false, memory, Bound{Against: "perl", Limit: 5}),
		d.cell("mixed-encode", "lines back to "+mixed, mixedLinesFile, []program{
			{name: "gpack", argv: []string{gpack, mixed}},
			{name: "perl -n", argv: []string{"perl", "-ne", perlMixedLines}},
		}, false, memory, Bound{Against: "perl -n", Limit: 5}),
		d.cell("decode-json", "!I to JSON", integersFile, []program{
			{name: "gpack", argv: []string{gpack, "-dj", "!I"}},
			{name: "perl", argv: []string{"perl", "-e", perlJSON}},
		}, false, memory, Bound{Against: "perl", Limit: 4}),
		d.cell("decode-hex", "!I to lines, with -r 16", integersFile, []program{
			{name: "gpack", argv: []string{gpack, "-d", "-r16", "!I"}},
			{name: "perl", argv: []string{"perl", "-e", perlHex}},
		}, false, memory, Bound{Against: "perl", Limit: 5}),
		d.cell("decode-offsets", "!I to lines, with -a", integersFile, []program{
			{name: "gpack", argv: []string{gpack, "-da", "!I"}},
			{name: "perl", argv: []string{"perl", "-e", perlOffsets}},
		}, false, memory, Bound{Against: "perl", Limit: 5}),
		d.cell("encode-json", "JSON back to !I", jsonFile, []program{
			{name: "gpack", argv: []string{gpack, "-j", "!I"}},
			{name: "perl -n", argv: []string{"perl", "-ne", perlJSONLines}},
		}, false, memory, Bound{Against: "perl -n", Limit: 5}),
		d.cell("groups", "*(HB) to one line", groupsFile, []program{
			{name: "gpack", argv: []string{gpack, "-d", "*(HB)"}},
			{name: "python", argv: []string{"python3", "-c", pythonGroups}},
		}, false, memory, Bound{Against: "python", Limit: 10}),
		d.cell("counted-groups", "H/(IHH) to lines", countedFile, []program{
			{name: "gpack", argv: []string{gpack, "-d", "H/(IHH)"}},
			{name: "python", argv: []string{"python3", "-c", pythonCounted}},
		}, false, memory, Bound{Against: "python", Limit: 10}),
		d.start(gpack),
	}
}

// A program is a contender that turns standard input into standard output.
type program struct {
	name  string
	argv  []string
	data  file // other than the cell's; 0 is the cell's
	limit bool
}

// start is how long it takes to print the size of a format.
func (d *packData) start(gpack string) Cell {
	empty := d.b.Binary("empty")
	c := Cell{Name: "start", What: "gpack -z '!HI', against an empty program with kong", Unit: "ms", LessIsBetter: true, Repeat: 20,
		Bounds: []Bound{{Against: "empty", Limit: 0.5}}}
	for _, p := range []program{
		{name: "gpack", argv: []string{gpack, "-z", "!HI"}},
		{name: "empty", argv: []string{empty, "!HI"}, limit: true},
		{name: "perl", argv: []string{"perl", "-e", "print length pack('nN', 0, 0)"}},
		{name: "python", argv: []string{"python3", "-c", "import struct; print(struct.calcsize('!HI'))"}},
	} {
		c.Contenders = append(c.Contenders, Contender{Name: p.name, Limit: p.limit, Run: d.brief(p)})
	}
	return c
}
