//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// A file is one of the inputs of gpack's cells.
type file int

const (
	integersFile   file = iota + 1 // random bytes
	linesFile                      // the same as decimal lines
	mixedFile                      // records of the format mixed
	mixedLinesFile                 // the same as lines
	jsonFile                       // arrays of one integer
	groupsFile                     // elements of three bytes
	countedFile                    // records of a count and so many elements of eight bytes
)

// packData makes the inputs when they are first needed. They are read once when
// they are written, so that they are in the page cache.
type packData struct {
	b    *Bench
	made [countedFile + 1]string
	err  error
}

// path returns the path of a file, which it makes if need be.
func (d *packData) path(f file) (string, error) {
	if d.made[f] != "" || d.err != nil {
		return d.made[f], d.err
	}
	path := filepath.Join(d.b.Dir, fmt.Sprintf("pack%d", f))
	switch f {
	case integersFile:
		d.err = d.random(path)
	case mixedFile:
		d.err = d.records(path)
	case groupsFile:
		d.err = d.groups(path, 0)
	case countedFile:
		d.err = d.groups(path, 16)
	case linesFile:
		d.err = d.decoded(path, integersFile, "-d", "!I")
	case jsonFile:
		d.err = d.decoded(path, integersFile, "-dj", "!I")
	case mixedLinesFile:
		d.err = d.decoded(path, mixedFile, "-d", mixed)
	}
	d.made[f] = path
	return path, d.err
}

// random writes random bytes, a whole number of records of four.
func (d *packData) random(path string) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(out, 1<<20)
	r := rand.New(rand.NewPCG(1, 2))
	var b []byte
	for range d.b.Bytes / 8 {
		b = binary.BigEndian.AppendUint64(b[:0], r.Uint64())
		if _, err := w.Write(b); err != nil {
			break
		}
	}
	return errors.Join(w.Flush(), out.Close())
}

// records writes mixed records: integers of all bits, words, and floats around 0.
func (d *packData) records(path string) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(out, 1<<20)
	r := rand.New(rand.NewPCG(3, 4))
	var b []byte
	for range d.b.Bytes / 31 {
		b = binary.BigEndian.AppendUint64(b[:0], r.Uint64())
		b = binary.BigEndian.AppendUint64(b[:7], r.Uint64())
		b = append(b, "abcdefgh klmnop"[r.IntN(7):][:8]...)
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(r.NormFloat64()))
		if _, err := w.Write(b); err != nil {
			break
		}
	}
	return errors.Join(w.Flush(), out.Close())
}

// groups writes random bytes, a multiple of three of them; or, if most is not 0,
// records of up to so many elements behind their count.
func (d *packData) groups(path string, most int) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(out, 1<<20)
	r := rand.New(rand.NewPCG(5, 6))
	var b []byte
	for size := int64(0); size < d.b.Bytes/4; size += int64(len(b)) {
		b = b[:0]
		if most == 0 {
			b = append(binary.BigEndian.AppendUint64(b, r.Uint64()), 7)
		} else {
			n := r.IntN(most + 1)
			b = binary.BigEndian.AppendUint16(b, uint16(n))
			for range n {
				b = binary.BigEndian.AppendUint64(b, r.Uint64())
			}
		}
		if _, err := w.Write(b); err != nil {
			break
		}
	}
	return errors.Join(w.Flush(), out.Close())
}

// decoded writes what gpack makes of another file.
func (d *packData) decoded(path string, from file, args ...string) error {
	source, err := d.path(from)
	if err != nil {
		return err
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	in, err := os.Open(source)
	if err != nil {
		return errors.Join(err, out.Close())
	}
	defer in.Close()
	cmd := exec.CommandContext(d.b.Context, d.b.Binary("gpack"), args...)
	cmd.Stdin, cmd.Stdout = in, out
	return errors.Join(cmd.Run(), out.Close())
}

// cell is one input put through several programs.
func (d *packData) cell(name, what string, input file, programs []program, pipeline bool, bounds ...Bound) Cell {
	c := Cell{Name: name, What: what, Unit: "MB/s", Bounds: bounds}
	for _, p := range programs {
		if p.data == 0 {
			p.data = input
		}
		c.Contenders = append(c.Contenders, Contender{Name: p.name, Limit: p.limit, Run: d.through(p, pipeline)})
	}
	return c
}

// packPatience is how long a program may take: the slowest take ten seconds when
// they are alone on the machine.
const packPatience = 3 * time.Minute

// through runs a program once over its input: as it is, or between two cats. The
// rate counts bytes of the input.
func (d *packData) through(p program, pipeline bool) func(context.Context) (Sample, error) {
	return func(ctx context.Context) (Sample, error) {
		path, err := d.path(p.data)
		if err != nil {
			return Sample{}, err
		}
		info, err := os.Stat(path)
		if err != nil {
			return Sample{}, err
		}
		in, err := os.Open(path)
		if err != nil {
			return Sample{}, err
		}
		start := time.Now()
		sample, err := run(ctx, p.argv, in, pipeline)
		sample.Bytes = info.Size()
		sample.Value = float64(sample.Bytes) / 1e6 / time.Since(start).Seconds()
		return sample, err
	}
}

// run runs a program from in to /dev/null, in a pipeline between two cats if that
// is wanted. It closes in.
func run(ctx context.Context, argv []string, in *os.File, pipeline bool) (Sample, error) {
	files := []*os.File{in}
	defer func() {
		for _, f := range files {
			_ = f.Close()
		}
	}()
	var out *os.File
	var around []*Process
	if pipeline {
		r1, w1, err := pipe()
		if err != nil {
			return Sample{}, err
		}
		files = append(files, r1, w1)
		r2, w2, err := pipe()
		if err != nil {
			return Sample{}, err
		}
		files = append(files, r2, w2)
		first, err := Start(ctx, []string{"cat"}, in, w1)
		if err != nil {
			return Sample{}, err
		}
		last, err := Start(ctx, []string{"cat"}, r2, nil)
		if err != nil {
			return Sample{}, err
		}
		around = []*Process{first, last}
		in, out = r1, w2
	}
	p, err := Start(ctx, argv, in, out)
	if err != nil {
		return Sample{}, err
	}
	for _, f := range files {
		_ = f.Close()
	}
	files = nil
	sample, exited, err := p.Wait(packPatience)
	for _, other := range around {
		if _, _, failed := other.Wait(packPatience); err == nil {
			err = failed
		}
	}
	if err == nil && !exited {
		err = errTooLong
	}
	return sample, err
}

// brief runs a program that reads nothing and measures how long it takes.
func (d *packData) brief(p program) func(context.Context) (Sample, error) {
	return func(ctx context.Context) (Sample, error) {
		if err := d.empty(p); err != nil {
			return Sample{}, err
		}
		start := time.Now()
		process, err := Start(ctx, p.argv, nil, nil)
		if err != nil {
			return Sample{}, err
		}
		sample, exited, err := process.Wait(packPatience)
		sample.Value = float64(time.Since(start)) / float64(time.Millisecond)
		if err == nil && !exited {
			err = errTooLong
		}
		return sample, err
	}
}

// empty builds the empty program, if that is what p is and it is not there yet.
func (d *packData) empty(p program) error {
	path := d.b.Binary("empty")
	if p.argv[0] != path {
		return nil
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	cmd := exec.CommandContext(d.b.Context, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "gcat/internal/bench/empty")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build empty: %w\n%s", err, out)
	}
	return nil
}
