package main

import (
	"os"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/filter"
)

// byteFlags are the options that look at the bytes, or hold them back. Each is a
// Stream around a Stream; with none of them the relay has the descriptors for
// itself.
type byteFlags struct {
	CRLF     bool         `short:"C" name:"crlf" group:"bytes" help:"Send LF as CRLF."`
	Telnet   bool         `short:"t" group:"bytes" help:"Refuse options."`
	Interval cli.Duration `short:"i" placeholder:"D" group:"bytes" help:"Between lines."`
	Rate     cli.Size     `placeholder:"SIZE" group:"bytes" help:"Bytes a second."`
	Hexdump  string       `short:"o" placeholder:"FILE" group:"bytes" help:"Dump both ways." filled:""`

	dump *filter.Dump // open; nil is none
}

// checkBytes refuses values that make no sense.
func (g *gcat) checkBytes() error {
	if g.Interval < 0 {
		return cli.Usagef("-i cannot be negative")
	}
	return nil
}

// looksAtBytes reports whether an option needs the bytes to pass through this
// process.
func (g *gcat) looksAtBytes() bool {
	return g.CRLF || g.Telnet || g.Interval > 0 || g.Rate > 0 || g.dump != nil
}

// openDump opens the file of the hex dump, once for all conversations.
func (g *gcat) openDump() error {
	switch g.Hexdump {
	case "":
	case "-":
		g.dump = filter.NewDump("standard error", g.console)
	default:
		f, err := os.OpenFile(g.Hexdump, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
		if err != nil {
			return fileError(err)
		}
		g.dump = filter.NewDump(g.Hexdump, f)
	}
	return nil
}

// closeDump closes the dump; a disk may be full only now.
func (g *gcat) closeDump(err error) error {
	if g.dump == nil {
		return err
	}
	if e := g.dump.Close(); err == nil {
		err = e
	}
	return err
}

// wrapLocal puts around standard input what the options ask for. Whole says
// that one read is one message.
func (g *gcat) wrapLocal(s conn.Stream, progress *conn.Progress, whole bool) conn.Stream {
	switch {
	case g.DatagramSize != nil:
		s = &filter.Blocks{Stream: s, Size: *g.DatagramSize}
	case g.Lines || g.Interval > 0:
		s = filter.NewLines(s, whole)
	case whole:
		s = &filter.Capped{Stream: s, Max: 64 << 10} // more than a datagram of UDP holds
	}
	if g.CRLF {
		s = &filter.CRLF{Stream: s, Whole: whole}
	}
	if g.Interval > 0 {
		s = &filter.Interval{Stream: s, Pause: g.Interval.D(), Progress: progress}
	}
	if g.Rate > 0 {
		s = filter.NewRate(s, int64(g.Rate), whole, progress)
	}
	return s
}

// wrapRemote puts around the connection what the options ask for.
func (g *gcat) wrapRemote(s conn.Stream, peer string) conn.Stream {
	var unread func() bool
	if messages, ok := s.(interface{ Unread() bool }); ok {
		unread = messages.Unread
	}
	if g.dump != nil {
		s = &filter.Dumped{Stream: s, Dump: g.dump, Peer: peer}
	}
	if g.Telnet {
		s = &filter.Telnet{Stream: s}
	}
	if g.Datagrams != nil {
		s = &filter.Countdown{Stream: s, Left: *g.Datagrams, Unread: unread}
	}
	return s
}
