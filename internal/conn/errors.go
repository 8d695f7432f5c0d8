package conn

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"gcat/internal/errno"
)

// A Kind is the kind of a failure in one word; commands choose their exit status by
// it, and log lines carry it.
type Kind string

// The kinds of failure.
const (
	Refused      Kind = "refused"        // ECONNREFUSED, ICMP port unreachable
	Unreachable  Kind = "unreachable"    // no route, host or network unreachable
	NoSuchName   Kind = "no-such-name"   // the name does not exist
	DNS          Kind = "dns"            // the name could not be looked up
	InUse        Kind = "in-use"         // EADDRINUSE
	NotPermitted Kind = "not-permitted"  // EACCES, EPERM
	NotFound     Kind = "not-found"      // no such socket file, interface or address
	NotASocket   Kind = "not-a-socket"   // a path that names something else
	BadAddress   Kind = "bad-address"    // a path too long, an address not ours
	Unsupported  Kind = "unsupported"    // this kernel has no such socket
	NoDescriptor Kind = "no-descriptor"  // EMFILE, ENFILE: no peer was tried
	NoConnection Kind = "no-connection"  // any other failure to connect
	KernelGaveUp Kind = "kernel-timeout" // ETIMEDOUT of connect(2)
	Timeout      Kind = "timeout"        // one of our limits
	ResetByPeer  Kind = "reset"          // ECONNRESET, EPIPE, the kernel's ETIMEDOUT
	CutShort     Kind = "cut-short"      // TLS without close_notify
	NotDelivered Kind = "not-delivered"  // bytes that the peer's kernel never acknowledged
	TLS          Kind = "tls"            // a handshake refused
	Proxy        Kind = "proxy"          // a proxy refused
	Local        Kind = "local"          // standard streams, files, descriptors
)

// An Error is a failure on one side of a conversation: what was tried, and why it failed.
type Error struct {
	// Why is the kind of failure.
	Why Kind
	// Op is what was tried, with its address: "connect to 127.0.0.1:80".
	Op string
	// Err is the cause; its words are translated by [Words].
	Err error
	// Try, if not empty, is a hint: what a user can type instead.
	Try string
	// Transient is set if a later try may succeed, whatever Why is.
	Transient bool
}

func (e *Error) Error() string {
	if e.Op == "" {
		return Words(e.Err)
	}
	return e.Op + ": " + Words(e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Kind returns e.Why as a string, for packages that do not import this one.
func (e *Error) Kind() string { return string(e.Why) }

// Hint returns e's Try, or that of the errors that it wraps; empty is none.
func (e *Error) Hint() string {
	if e.Try != "" {
		return e.Try
	}
	if below, ok := errors.AsType[*Error](e.Err); ok {
		return below.Hint()
	}
	return ""
}

// KindOf is the kind of err, if an [Error] gives it one.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Why
	}
	return ""
}

// Words returns err in the system's words, without the phrases of the Go library.
func Words(err error) string {
	if err == nil {
		return "no error"
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Error()
	}
	err = errno.Posix(err)
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dnsWords(dns)
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Words(number)
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "timed out"
	case errors.Is(err, net.ErrClosed), errors.Is(err, fs.ErrClosed), errors.Is(err, context.Canceled):
		return "closed"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "unexpected end of file"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		return op.Err.Error()
	}
	return err.Error()
}

// rounded is d to the millisecond, unless that leaves nothing of it.
func rounded(d time.Duration) time.Duration { return cmp.Or(d.Round(time.Millisecond), d) }

func dnsWords(e *net.DNSError) string {
	switch {
	case e.IsNotFound:
		return "no such name"
	case e.IsTimeout:
		return "name lookup timed out"
	case strings.Contains(e.Err, "server misbehaving"):
		return "name server failed"
	case strings.Contains(e.Err, "unmarshal"):
		return "the name server's answer is no DNS message"
	}
	// A failure of the resolver to reach the server comes as text, "dial udp
	// 192.0.2.53:53: connect: network is unreachable".
	if i := strings.LastIndex(e.Err, ": "); i >= 0 {
		return strings.TrimSpace("name server "+e.Server) + e.Err[i:]
	}
	return Words(errors.New(e.Err))
}

// ConnectKind is the kind of an error of connecting or binding.
func ConnectKind(err error) Kind {
	if kind := KindOf(err); kind != "" {
		return kind
	}
	err = errno.Posix(err)
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		switch {
		case dns.IsNotFound:
			return NoSuchName
		case strings.HasSuffix(dns.Err, syscall.EMFILE.Error()), strings.HasSuffix(dns.Err, syscall.ENFILE.Error()):
			return NoDescriptor // the resolver returns the text alone
		}
		return DNS
	}
	if number, _ := errors.AsType[syscall.Errno](err); connectKinds[number] != "" {
		return connectKinds[number]
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return Timeout
	}
	return NoConnection
}

// connectKinds are the kinds of failures to connect or listen.
var connectKinds = map[syscall.Errno]Kind{
	syscall.ECONNREFUSED:    Refused,
	syscall.EHOSTUNREACH:    Unreachable,
	syscall.ENETUNREACH:     Unreachable,
	syscall.ENETDOWN:        Unreachable,
	syscall.EADDRINUSE:      InUse,
	syscall.EACCES:          NotPermitted,
	syscall.EPERM:           NotPermitted,
	syscall.ENOENT:          NotFound,
	syscall.ENODEV:          NotFound,
	syscall.ENOTSOCK:        NotASocket,
	syscall.EADDRNOTAVAIL:   BadAddress,
	syscall.EAFNOSUPPORT:    Unsupported,
	syscall.EPROTONOSUPPORT: Unsupported,
	syscall.EMFILE:          NoDescriptor,
	syscall.ENFILE:          NoDescriptor,
	syscall.ETIMEDOUT:       KernelGaveUp,
	syscall.ECONNRESET:      ResetByPeer, // there was a connection: a peer refuses by ECONNREFUSED
	syscall.ECONNABORTED:    ResetByPeer,
}

// talkKind is the kind of an error of an established connection.
func talkKind(err error) Kind {
	switch kind := KindOf(err); {
	case kind != "":
		return kind
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	}
	return ResetByPeer
}

// Cause is the cause of ctx's end, if it has ended, else err: an operation that a
// signal or a deadline interrupted has not failed itself. For a deadline the error
// names the operation, and the addresses that were tried.
func Cause(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	why := context.Cause(ctx)
	clock, ok := errors.AsType[*Error](why)
	tried, both := errors.AsType[*Error](err)
	for both && tried.Op == "" {
		tried, both = errors.AsType[*Error](tried.Err)
	}
	if !ok || !both || clock.Op != "" {
		return why
	}
	words := Words(clock.Err)
	if strings.Contains(Words(tried.Err)+"; ", ": timed out; ") { // one of the addresses
		words = limitWords(tried.Err, words)
	}
	return &Error{Why: clock.Why, Op: tried.Op, Err: errors.New(words)}
}

// EndedBy is what ended a conversation, as in [Result]: the cause of ctx if that has
// ended, else by.
func EndedBy(ctx context.Context, by string) string {
	if ctx.Err() == nil {
		return by
	}
	switch KindOf(context.Cause(ctx)) {
	case "":
		return "signal"
	case Timeout:
		return "timeout"
	}
	return "local"
}
