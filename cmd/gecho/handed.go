package main

import (
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"gcat/internal/conn"
	"gcat/internal/echo"
)

// inetd is the name of the endpoint of --inetd.
const inetd = "inetd"

// handedOver returns the sockets that were handed over: by --inetd or LISTEN_FDS.
func (g *gecho) handedOver() (sockets []echo.Socket, err error) {
	if g.Inetd {
		s, err := openInetd()
		return []echo.Socket{s}, err
	}
	handed, err := conn.HandedOver()
	for _, h := range handed {
		sockets = append(sockets, socketOf(h))
	}
	return sockets, err
}

func socketOf(h conn.Handed) echo.Socket {
	return echo.Socket{Handed: h, Name: conn.EndpointOf(h.Addr()).String()}
}

// openInetd returns the socket that standard input is. If it is no socket, it
// returns a connection made of standard input and output.
func openInetd() (echo.Socket, error) {
	h, err := conn.SocketOf(os.Stdin)
	s := socketOf(h)
	if errors.Is(err, syscall.ENOTSOCK) {
		s.Conn, err = newStdio(), nil
	}
	if err != nil {
		return s, &conn.Error{Why: conn.Local, Op: "standard input", Err: err}
	}
	s.Name = inetd
	return s, nil
}

// stdio is standard input and output as a connection. Deadlines hold where the
// files can be polled, as pipes and terminals can.
type stdio struct {
	in, out *os.File
	failed  atomic.Pointer[conn.Error] // the first failure of our own side
}

// newStdio reopens the standard streams where it can (Linux), so that they can be
// polled without O_NONBLOCK on the open files that other processes share.
func newStdio() *stdio {
	return &stdio{in: reopen(os.Stdin, os.O_RDONLY), out: reopen(os.Stdout, os.O_WRONLY)}
}

func reopen(f *os.File, how int) *os.File {
	info, err := f.Stat()
	if err == nil && info.Mode()&(os.ModeNamedPipe|os.ModeCharDevice) != 0 {
		path := "/proc/self/fd/" + strconv.Itoa(int(f.Fd())) // of Linux alone
		if again, err := os.OpenFile(path, how|syscall.O_NONBLOCK, 0); err == nil {
			return again
		}
	}
	return f
}

func (s *stdio) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	return n, s.note("standard input", err)
}

func (s *stdio) Write(p []byte) (int, error) {
	n, err := s.out.Write(p)
	return n, s.note("standard output", err)
}

// note keeps err in failed. An end of file, a deadline and EPIPE are no failures of our
// own side: the reader of standard output is the peer.
func (s *stdio) note(which string, err error) error {
	switch {
	case err == nil, err == io.EOF, errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, os.ErrClosed), errors.Is(err, syscall.EPIPE):
	default:
		s.failed.CompareAndSwap(nil, &conn.Error{Why: conn.Local, Op: which, Err: err})
	}
	return err
}

// CloseWrite closes standard output, both descriptors of it.
func (s *stdio) CloseWrite() error {
	if s.out != os.Stdout {
		_ = os.Stdout.Close()
	}
	return s.out.Close()
}

func (s *stdio) Close() error {
	_ = s.CloseWrite() // it may be closed already
	return s.in.Close()
}

func (s *stdio) LocalAddr() net.Addr  { return stdioAddr{} }
func (s *stdio) RemoteAddr() net.Addr { return stdioAddr{} }

func (s *stdio) SetDeadline(t time.Time) error {
	if err := s.in.SetReadDeadline(t); err != nil {
		return err
	}
	return s.out.SetWriteDeadline(t)
}
func (s *stdio) SetReadDeadline(t time.Time) error  { return s.in.SetReadDeadline(t) }
func (s *stdio) SetWriteDeadline(t time.Time) error { return s.out.SetWriteDeadline(t) }

type stdioAddr struct{}

func (stdioAddr) Network() string { return "stdio" }
func (stdioAddr) String() string  { return "stdio" }
