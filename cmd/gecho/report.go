package main

import (
	"errors"
	"fmt"
	"strconv"
	"syscall"
	"time"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/echo"
)

// reporter returns a function that logs events.
func reporter(log *cli.Log) func(echo.Event) {
	return func(e echo.Event) {
		switch e.Kind {
		case echo.Accepted:
			log.Event(1, cli.Event{Name: "accepted", Text: fmt.Sprintf("accepted %s on %s", who(e), e.Endpoint), Fields: fields(e)})
		case echo.Closed:
			log.Event(1, cli.Event{Name: "closed", Text: closedText(e), Fields: closedFields(e)})
		case echo.RefusedByRule:
			log.Event(0, cli.Event{Name: "refused-by-rule", Text: fmt.Sprintf("refused %s on %s by rule", who(e), e.Endpoint), Fields: fields(e)})
		case echo.TimedOut:
			log.Error(&failure{kind: "timeout", text: who(e) + ": " + e.What}, fields(e)...)
		case echo.Failed:
			text := conn.Words(e.Err)
			if e.Remote != "" {
				text = who(e) + ": " + text
			}
			log.Error(&failure{kind: kindOf(e.Err), text: text}, fields(e)...)
		case echo.Faulted:
			log.Event(0, cli.Event{Name: "fault", Text: who(e) + ": fault: " + e.What, Fields: fields(e)})
		case echo.Noticed, echo.Looped, echo.Bounded:
			log.Event(0, cli.Event{Name: "notice", Text: who(e) + ": " + e.What + option[e.Kind], Fields: fields(e)})
		}
	}
}

// option names the option that changes what an event reports.
var option = map[echo.EventKind]string{echo.Looped: " (--loop-guard)", echo.Bounded: " (--allow)"}

// A failure is an error with its kind, for the log.
type failure struct{ kind, text string }

func (f *failure) Error() string { return f.text }

// Kind is the word for JSON.
func (f *failure) Kind() string { return f.kind }

// kindOf is the kind of a connection's failure, for the log.
func kindOf(err error) string {
	if k, ok := errors.AsType[interface {
		error
		Kind() string
	}](err); ok {
		return k.Kind()
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		switch errno {
		case syscall.ECONNREFUSED:
			return string(conn.Refused)
		case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
			return string(conn.Local)
		}
		return string(conn.ResetByPeer)
	}
	return "data"
}

// who names the connection by its number and the peer.
func who(e echo.Event) string {
	switch {
	case e.Number == 0:
		return e.Remote
	case e.Remote == "unnamed":
		return fmt.Sprintf("connection %d", e.Number)
	}
	return fmt.Sprintf("connection %d from %s", e.Number, e.Remote)
}

func fields(e echo.Event) []cli.Field {
	f := []cli.Field{{Key: "endpoint", Value: e.Endpoint}}
	if e.Number > 0 {
		f = append(f, cli.Field{Key: "connection", Value: e.Number})
	}
	if e.Local != "" {
		f = append(f, cli.Field{Key: "local", Value: plain(e.Local)})
	}
	if e.Remote != "" {
		f = append(f, cli.Field{Key: "remote", Value: plain(e.Remote)})
	}
	return f
}

// plain is an address without the quotes around the path of a Unix socket.
func plain(name string) string {
	if s, err := strconv.Unquote(name); err == nil {
		return s
	}
	return name
}

func closedFields(e echo.Event) []cli.Field {
	f := append(fields(e), cli.Field{Key: "sent", Value: e.Sent}, cli.Field{Key: "received", Value: e.Received},
		cli.Field{Key: "duration", Value: e.Duration})
	if e.FirstByte > 0 {
		f = append(f, cli.Field{Key: "first_byte", Value: e.FirstByte})
	}
	f = append(f, cli.Field{Key: "ended_by", Value: e.EndedBy})
	if e.Unacknowledged > 0 {
		f = append(f, cli.Field{Key: "unacknowledged", Value: e.Unacknowledged})
	}
	for _, t := range []cli.Field{{Key: "tls", Value: e.TLS.Version}, {Key: "sni", Value: e.TLS.ServerName}, {Key: "alpn", Value: e.TLS.ALPN}, {Key: "client", Value: e.TLS.Peer}} {
		if t.Value != "" {
			f = append(f, t)
		}
	}
	return f
}

func closedText(e echo.Event) string {
	s := fmt.Sprintf("closed %s: received %d bytes, sent %d, in %v, ended by %s",
		who(e), e.Received, e.Sent, e.Duration.Round(time.Microsecond), e.EndedBy)
	if e.TLS.Version != "" {
		s += ", over " + e.TLS.Version
	}
	if e.TLS.ServerName != "" {
		s += fmt.Sprintf(" to %q", e.TLS.ServerName)
	}
	if e.TLS.ALPN != "" {
		s += fmt.Sprintf(" with %q", e.TLS.ALPN)
	}
	if e.TLS.Peer != "" {
		s += fmt.Sprintf(" by %q", e.TLS.Peer)
	}
	if e.Unacknowledged > 0 {
		s += fmt.Sprintf(", %d bytes not acknowledged", e.Unacknowledged)
	}
	return s
}

func connections(n int) string {
	if n == 1 {
		return "1 connection"
	}
	return fmt.Sprintf("%d connections", n)
}

// reportTotals writes the counts so far.
func reportTotals(log *cli.Log, level int, t *echo.Totals) {
	counts := []struct {
		key, text string
		value     int64
	}{
		{"now", "connections now", t.Now.Load()},
		{"connections", "ever", t.Connections.Load()},
		{"received", "bytes received", t.Received.Load()},
		{"sent", "sent", t.Sent.Load()},
		{"timeouts", "timeouts", t.Timeouts.Load()},
		{"errors", "errors", t.Errors.Load()},
		{"refused", "refused", t.Refused.Load()},
		{"datagrams", "datagrams", t.Datagrams.Load()},
		{"unanswered", "unanswered", t.Unanswered.Load()},
		{"dropped", "dropped", t.Dropped.Load()},
		{"faults", "faults", t.Faults.Load()},
	}
	text, fields := "totals:", []cli.Field(nil)
	for i, c := range counts {
		if i > 0 {
			text += ","
		}
		text += fmt.Sprintf(" %d %s", c.value, c.text)
		fields = append(fields, cli.Field{Key: c.key, Value: c.value})
	}
	log.Event(level, cli.Event{Name: "totals", Text: text, Fields: fields})
}
