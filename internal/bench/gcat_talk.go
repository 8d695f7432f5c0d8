//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// self is a tool at both ends: what is poured into the one is drained from the
// other. The rate is that at the drain.
func (b *Bench) self(t tool) func(context.Context) (Sample, error) {
	return func(ctx context.Context) (Sample, error) {
		m := &match{ctx: ctx, dir: b.Dir, bytes: b.Bytes}
		defer m.end()
		port, err := freePort()
		if err != nil {
			return Sample{}, err
		}
		r, stdout, err := m.pipe()
		if err != nil {
			return Sample{}, err
		}
		drain, err := m.help(r, nil, nil, "drain", m.count())
		if err != nil {
			return Sample{}, err
		}
		far, err := Start(ctx, t.argv("tcp", end{listen: true, at: port, way: -1}), nil, stdout)
		m.closeFiles()
		if err != nil {
			return Sample{}, err
		}
		near, err := m.feed(t, port)
		if err != nil {
			_, _, _ = far.Wait(0)
			return Sample{}, err
		}
		sample, err := m.judge(far, drain, drain)
		used, _, _ := near.Wait(time.Second)
		sample.CPU += used.CPU
		sample.Peak = max(sample.Peak, used.Peak)
		return sample, err
	}
}

// feed starts the sending one of two tools, once the other listens.
func (m *match) feed(t tool, port string) (*Process, error) {
	if err := listening(m.ctx, port); err != nil {
		return nil, err
	}
	stdin, w, err := m.pipe()
	if err != nil {
		return nil, err
	}
	defer m.closeFiles()
	if _, err := m.help(nil, w, nil, "pour", m.count()); err != nil {
		return nil, err
	}
	return Start(m.ctx, t.argv("tcp", end{at: port, way: 1}), stdin, nil)
}

// listening waits until a TCP port has a listener, without connecting to
// it: a listener for one would take that for its peer.
func listening(ctx context.Context, port string) error {
	n, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	local := fmt.Sprintf(":%04X", n)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(time.Millisecond) {
		for _, path := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
			table, _ := os.ReadFile(path)
			for line := range strings.Lines(string(table)) {
				f := strings.Fields(line)
				if len(f) > 3 && strings.HasSuffix(f[1], local) && f[3] == "0A" { // TCP_LISTEN
					return nil
				}
			}
		}
	}
	return fmt.Errorf("nobody listens on port %s: %w", port, errTooLong)
}

// small is messages that wait for their answers.
func (b *Bench) small(t tool, s shape) func(context.Context) (Sample, error) {
	const rounds = 4000
	return func(ctx context.Context) (Sample, error) {
		m := &match{ctx: ctx, dir: b.Dir}
		defer m.end()
		at, way, err := m.place("tcp", s.listen)
		if err != nil {
			return Sample{}, err
		}
		far, err := m.help(nil, nil, m.listener, append([]string{"echo"}, way...)...)
		if err != nil {
			return Sample{}, err
		}
		stdin, questions, err := m.pipe()
		if err != nil {
			return Sample{}, err
		}
		answers, stdout, err := m.pipe()
		if err != nil {
			return Sample{}, err
		}
		near, err := m.help(answers, questions, nil, "ping", strconv.Itoa(rounds))
		if err != nil {
			return Sample{}, err
		}
		p, err := Start(ctx, t.argv("tcp", end{listen: s.listen, at: at}), stdin, stdout)
		m.closeFiles()
		if err != nil {
			return Sample{}, err
		}
		go m.hurry(p)
		r, err := near.Report(patience)
		far.End()
		near.End()
		used, exited, failed := p.Wait(time.Second)
		if err != nil && exited && failed != nil {
			err = failed
		}
		used.Value = float64(r.Count) / (float64(max(1, r.End-r.Start)) / 1e9)
		return used, err
	}
}

// round returns what starts a tool that sends ten bytes and receives ten. The
// server is one for all.
func (b *Bench) round() func(tool) func(context.Context) (Sample, error) {
	var server *Helper
	var port string
	start := sync.OnceValue(func() error {
		l, at, err := listener("tcp", "")
		if err != nil {
			return err
		}
		defer l.Close()
		port = at
		server, err = StartHelper(b.Context, nil, nil, l, "answer")
		return err
	})
	return func(t tool) func(context.Context) (Sample, error) {
		return func(context.Context) (Sample, error) {
			if err := start(); err != nil {
				return Sample{}, err
			}
			sample, out, err := quick(t.argv("tcp", end{at: port}), "0123456789", false)
			if err == nil && out != "0123456789" {
				err = fmt.Errorf("it received %q", out)
			}
			_ = server // lives as long as this does
			return sample, err
		}
	}
}

// help is a tool that prints its help, wherever it does.
func (b *Bench) help(t tool) func(context.Context) (Sample, error) {
	return func(context.Context) (Sample, error) {
		sample, out, err := quick([]string{t.path, t.help}, "", true)
		if err == nil && out == "" {
			err = fmt.Errorf("it printed nothing")
		}
		return sample, err
	}
}

// quick runs a program from start to end with as little around it as can be,
// and returns what it printed, on standard error too if both is set. Input and
// output must fit in a pipe.
func quick(argv []string, input string, both bool) (Sample, string, error) {
	stdin, w, err := pipe()
	if err != nil {
		return Sample{}, "", err
	}
	defer stdin.Close()
	_, err = io.WriteString(w, input)
	w.Close()
	if err != nil {
		return Sample{}, "", err
	}
	r, stdout, err := pipe()
	if err != nil {
		return Sample{}, "", err
	}
	defer r.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		stdout.Close()
		return Sample{}, "", err
	}
	defer null.Close()
	stderr := null
	if both {
		stderr = stdout
	}
	begin := time.Now()
	p, err := os.StartProcess(argv[0], argv, &os.ProcAttr{Files: []*os.File{stdin, stdout, stderr}})
	if err != nil {
		stdout.Close()
		return Sample{}, "", err
	}
	state, err := p.Wait()
	took := time.Since(begin)
	stdout.Close()
	if err != nil {
		return Sample{}, "", err
	}
	var out bytes.Buffer
	_, err = io.Copy(&out, r)
	used := state.SysUsage().(*syscall.Rusage)
	cpu := time.Duration(used.Utime.Nano() + used.Stime.Nano())
	return Sample{Value: took.Seconds() * 1e3, CPU: cpu}, out.String(), err
}
