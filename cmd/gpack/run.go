package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"gcat/internal/cli"
	"gcat/internal/pack"
)

// run is the whole command.
func (g *gpack) run(log *cli.Log) error {
	g.log = log
	parse := pack.Parse
	if g.NoVerify {
		parse = pack.ParseUnverified
	}
	f, err := parse(g.Format)
	if err != nil {
		return cli.Usagef("%w", err)
	}
	h, err := g.refuse(f)
	if err != nil {
		return err
	}
	if g.describes() {
		return g.describe(f)
	}
	if err := g.refuseTerminal(f); err != nil {
		return err
	}
	var count pack.Counts
	switch {
	case g.Decode && g.Frame:
		count, err = g.deframe(h)
	case g.Decode:
		count, err = g.decode(f)
	case g.Frame:
		count, err = g.frame(h)
	default:
		count, err = g.encode(f)
	}
	if count.Cut > 0 {
		log.Infof(1, "%s cut to the size of s or p", plural(count.Cut, "string"))
	}
	log.Infof(1, "%s, %s read, %s written", plural(count.Records, "record"), plural(count.Read, "byte"), plural(count.Written, "byte"))
	return err
}

// describe prints the size of the format, or its layout as a table.
func (g *gpack) describe(f *pack.Format) error {
	text := ""
	if g.Size {
		size, _ := f.Size()
		text = fmt.Sprintln(size)
	} else {
		text = table(f.Layout(g.options()))
	}
	_, err := io.WriteString(os.Stdout, text)
	return outputError("", err)
}

// encode writes the records of the operands, or of the lines of standard input.
func (g *gpack) encode(f *pack.Format) (pack.Counts, error) {
	e := pack.NewEncoder(f, g.options())
	if g.filter(f) {
		return g.convertLines(e.EncodeLines, "pack expected one record, got none")
	}
	// Operands that are refused leave no file behind.
	if err := e.CheckValues(g.Args, g.limit()); err != nil {
		return pack.Counts{}, g.misplaced(err)
	}
	return g.output(nil, func(out io.Writer) (pack.Counts, error) { return e.EncodeValues(out, g.Args, g.limit()) })
}

// frame puts the header in front of standard input, or of each of its lines.
func (g *gpack) frame(h *pack.Header) (pack.Counts, error) {
	fr, err := pack.NewFramer(h, g.options(), g.Adjust, g.Args)
	if err != nil {
		return pack.Counts{}, g.misplaced(err)
	}
	if g.Lines {
		return g.convertLines(fr.FrameLines, "expected one line, got none")
	}
	return g.output(os.Stdin, func(out io.Writer) (pack.Counts, error) { return fr.Frame(out, os.Stdin) })
}

// convertLines converts the lines of standard input. With -1 none are the error none.
func (g *gpack) convertLines(convert func(io.Writer, io.Reader, int64) (pack.Counts, error), none string) (pack.Counts, error) {
	enlarge(os.Stdin)
	count, err := g.output(os.Stdin, func(out io.Writer) (pack.Counts, error) {
		return convert(out, os.Stdin, g.limit())
	})
	switch {
	case err != nil:
	case g.limit() > count.Records:
		err = short("standard input", count.Records, g.limit())
	case g.Exact && count.Records == 0:
		err = cli.Failf(cli.Local, "standard input: %s", none)
	}
	return count, err
}

// decode writes the records of all inputs as text.
func (g *gpack) decode(f *pack.Format) (pack.Counts, error) {
	return g.inputs(g.form(), func(o pack.Options, src io.Reader, limit int64) (pack.Counts, error) {
		return pack.NewDecoder(f, o).Decode(os.Stdout, src, limit)
	})
}

// deframe writes the payloads of all inputs.
func (g *gpack) deframe(h *pack.Header) (pack.Counts, error) {
	return g.inputs(pack.Raw, func(o pack.Options, src io.Reader, limit int64) (pack.Counts, error) {
		d := pack.NewDeframer(h, o)
		d.Adjust, d.KeepHeader = g.Adjust, g.KeepHeader
		d.Lines = !g.rawPayloads()
		if g.Exec != "" {
			d.Each = g.execute
		}
		return d.Deframe(os.Stdout, src, limit)
	})
}

// execute runs the command of -e with one payload on its standard input. A command that
// does not read all of it has not failed. One that SIGPIPE has ended wrote to our own
// standard output, whose reader has left.
func (g *gpack) execute(frame int64, payload []byte) error {
	cmd := exec.Command("sh", "-c", g.Exec)
	cmd.Stdin = bytes.NewReader(payload)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); brokenPipe(cmd.ProcessState) {
		cli.DieOf(syscall.SIGPIPE)
	} else if err != nil {
		return &pack.DataError{Why: fmt.Sprintf("frame %d: %s: %s", frame, strconv.Quote(g.Exec), words(err))}
	}
	return nil
}

// brokenPipe reports whether SIGPIPE has ended a command, or the program that its shell ran
// last.
func brokenPipe(p *os.ProcessState) bool {
	if p == nil {
		return false
	}
	status, ok := p.Sys().(syscall.WaitStatus)
	return ok && (status.Signal() == syscall.SIGPIPE || status.ExitStatus() == 128+int(syscall.SIGPIPE))
}

// short is the error of an input that held fewer records than -n wants.
func short(where string, got, want int64) error {
	return cli.Failf(cli.Local, "%s: end of input after %d of %d records", where, got, want)
}

// plural is a number of things.
func plural(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
