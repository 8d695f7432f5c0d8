//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// A match is one round of one tool: its place on the network, the helpers around
// it and the files between them.
type match struct {
	ctx      context.Context
	dir      string
	bytes    int64
	endless  bool     // there are more, of which a buffer's worth may come too
	listener *os.File // what the helper accepts from, if the tool is the client
	helpers  []*Helper
	files    []*os.File
	paths    []string
}

// end closes and removes everything.
func (m *match) end() {
	for _, h := range m.helpers {
		h.End()
	}
	m.closeFiles()
	for _, p := range m.paths {
		_ = os.Remove(p)
	}
}

// closeFiles closes our copies of what the processes hold.
func (m *match) closeFiles() {
	for _, f := range m.files {
		_ = f.Close()
	}
	m.files = nil
}

// place finds a port or a path for the tool, and how a helper gets there.
func (m *match) place(network string, listen bool) (at string, helper []string, err error) {
	if network == "unix" {
		at = filepath.Join(m.dir, "socket")
		m.paths = append(m.paths, at)
	}
	if listen {
		if network == "tcp" {
			at, err = freePort()
		}
		return at, []string{"dial", network, at}, err
	}
	m.listener, at, err = listener(network, at)
	if err == nil {
		m.files = append(m.files, m.listener)
	}
	return at, []string{"accept"}, err
}

// listener is a listening socket of ours and its port or path.
func listener(network, path string) (*os.File, string, error) {
	if network == "unix" {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path})
		if err != nil {
			return nil, "", err
		}
		defer l.Close()
		l.SetUnlinkOnClose(false)
		f, err := l.File()
		return f, path, err
	}
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, "", err
	}
	defer l.Close()
	f, err := l.File()
	return f, strconv.Itoa(l.Addr().(*net.TCPAddr).Port), err
}

// help starts a helper.
func (m *match) help(stdin, stdout, listener *os.File, args ...string) (*Helper, error) {
	h, err := StartHelper(m.ctx, stdin, stdout, listener, args...)
	if err == nil {
		m.helpers = append(m.helpers, h)
	}
	return h, err
}

// pipe is a pipe whose ends are ours until closeFiles.
func (m *match) pipe() (r, w *os.File, err error) {
	if r, w, err = pipe(); err == nil {
		m.files = append(m.files, r, w)
	}
	return r, w, err
}

// pipe is os.Pipe whose ends block, as a shell's do.
func pipe() (r, w *os.File, err error) {
	if r, w, err = os.Pipe(); err == nil {
		r.Fd() // sets the descriptor to blocking mode
		w.Fd()
	}
	return r, w, err
}

// count is the number of bytes as a helper's argument.
func (m *match) count() string { return strconv.FormatInt(m.bytes, 10) }

// stream is a shape once: the tool between a helper at the far end of the socket
// and what stands at its own standard stream.
func (b *Bench) stream(t tool, s shape) func(context.Context) (Sample, error) {
	return func(ctx context.Context) (Sample, error) {
		m := &match{ctx: ctx, dir: b.Dir, bytes: b.Bytes, endless: s.from == "zero"}
		defer m.end()
		at, way, err := m.place(s.network(), s.listen)
		if err != nil {
			return Sample{}, err
		}
		e := end{listen: s.listen, at: at, way: 1}
		role := "sink"
		if !s.sends() {
			e.way, role = -1, "source"
		}
		stdin, stdout, last, err := m.standard(s)
		if err != nil {
			return Sample{}, err
		}
		far, err := m.help(nil, nil, m.listener, append([]string{role, m.count()}, way...)...)
		if err != nil {
			return Sample{}, err
		}
		if last == nil {
			last = far
		}
		p, err := Start(ctx, t.argv(s.network(), e), stdin, stdout)
		m.closeFiles()
		if err != nil {
			return Sample{}, err
		}
		sample, err := m.judge(p, far, last)
		if err == nil && s.to == "file" {
			err = m.check()
		}
		return sample, err
	}
}

// standard opens the tool's own side of a shape. last is the helper that sees
// the last byte, if that is not the one at the socket.
func (m *match) standard(s shape) (stdin, stdout *os.File, last *Helper, err error) {
	switch {
	case s.from == "file":
		stdin, err = m.input()
	case s.from == "zero":
		stdin, err = os.Open("/dev/zero")
		m.files = append(m.files, stdin)
	case s.from == "pipe":
		var w *os.File
		if stdin, w, err = m.pipe(); err == nil {
			_, err = m.help(nil, w, nil, "pour", m.count())
		}
	case s.to == "file":
		path := filepath.Join(m.dir, "output")
		m.paths = append(m.paths, path)
		stdout, err = os.Create(path)
		m.files = append(m.files, stdout)
	case s.to == "pipe":
		var r *os.File
		if r, stdout, err = m.pipe(); err == nil {
			last, err = m.help(r, nil, nil, "drain", m.count())
		}
	case s.to == "socket":
		stdout, last, err = m.socket()
	}
	return stdin, stdout, last, err
}

// input is a regular file of the match's size; it is made once.
func (m *match) input() (*os.File, error) {
	path := filepath.Join(m.dir, "input")
	if st, err := os.Stat(path); err != nil || st.Size() != m.bytes {
		if err := fill(path, m.bytes); err != nil {
			return nil, err
		}
	}
	f, err := os.Open(path)
	m.files = append(m.files, f)
	return f, err
}

// fill writes a file of n bytes.
func fill(path string, n int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i>>8 ^ i)
	}
	for ; n > 0 && err == nil; n -= int64(len(block)) {
		_, err = f.Write(block[:min(n, int64(len(block)))])
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// socket is a TCP connection for standard output, and the sink at its other end.
func (m *match) socket() (*os.File, *Helper, error) {
	l, port, err := listener("tcp", "")
	if err != nil {
		return nil, nil, err
	}
	m.files = append(m.files, l)
	h, err := m.help(nil, nil, l, "sink", m.count(), "accept")
	if err != nil {
		return nil, nil, err
	}
	c, err := net.Dial("tcp4", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()
	f, err := c.(*net.TCPConn).File()
	if err == nil {
		f.Fd() // blocking, as inetd's are
		m.files = append(m.files, f)
	}
	return f, h, err
}

// check holds the output file to the number of bytes.
func (m *match) check() error {
	st, err := os.Stat(filepath.Join(m.dir, "output"))
	if err == nil && st.Size() != m.bytes {
		err = fmt.Errorf("%d of %d bytes in the file", st.Size(), m.bytes)
	}
	return err
}

// judge waits for the helpers and the tools, and works out the rate from the
// begin that first tells to the end that last tells.
func (m *match) judge(p *Process, first, last *Helper) (Sample, error) {
	go m.hurry(p)
	begin, err := first.Report(patience)
	finish := begin
	if err == nil && last != first {
		finish, err = last.Report(patience)
	}
	if err == nil && (finish.Count < m.bytes || finish.Count > m.bytes && !m.endless) {
		err = fmt.Errorf("%d of %d bytes arrived", finish.Count, m.bytes)
	}
	for _, h := range m.helpers {
		h.End()
	}
	used, exited, failed := p.Wait(time.Second)
	if err != nil && exited && failed != nil {
		err = failed // it says more
	}
	used.Bytes = m.bytes
	used.Value = float64(m.bytes) / float64(max(1, finish.End-begin.Start))
	return used, err
}

// hurry shortens the helpers' time once the tool has ended: one that failed sends
// them nothing any more.
func (m *match) hurry(p *Process) {
	<-p.done
	for _, h := range m.helpers {
		_ = h.report.SetReadDeadline(time.Now().Add(patience / 2))
	}
}
