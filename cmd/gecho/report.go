package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/echo"
)

// reporter returns a function that logs events.
func reporter(log *cli.Log) func(echo.Event) {
	return func(e echo.Event) {
		name, level, text := "notice", 0, who(e)+": "+e.What
		switch e.Kind {
		case echo.Accepted:
			name, level, text = "accepted", 1, fmt.Sprintf("accepted %s on %s", who(e), e.Endpoint)
		case echo.Closed:
			name, level, text = "closed", 1, closedText(e)
		case echo.RefusedByRule:
			name, text = "refused-by-rule", fmt.Sprintf("refused %s on %s by rule", who(e), e.Endpoint)
		case echo.TimedOut:
			log.Error(&conn.Error{Why: conn.Timeout, Err: errors.New(text)}, fields(e)...)
			return
		case echo.Failed:
			text = strings.TrimPrefix(who(e)+": "+conn.Words(e.Err), ": ")
			log.Error(&conn.Error{Why: kindOf(e.Err), Err: errors.New(text)}, fields(e)...)
			return
		case echo.Faulted:
			name, text = "fault", who(e)+": fault: "+e.What
		case echo.Looped:
			text += " (--loop-guard)"
		case echo.Bounded:
			text += " (--allow)"
		}
		log.Event(level, name, text, fields(e)...)
	}
}

// kindOf is the kind of a connection's failure, for the log.
func kindOf(err error) conn.Kind {
	if kind := conn.KindOf(err); kind != "" {
		return kind
	}
	errno, ok := errors.AsType[syscall.Errno](err)
	switch errno {
	case syscall.ECONNREFUSED:
		return conn.Refused
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
		return conn.Local
	}
	if ok {
		return conn.ResetByPeer
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

// fields returns the members of an event in the log, keys and values in turn.
func fields(e echo.Event) []any {
	list := known("endpoint", e.Endpoint, "connection", e.Number, "local", plain(e.Local), "remote", plain(e.Remote))
	if e.Kind != echo.Closed {
		return list
	}
	list = append(list, "sent", e.Sent, "received", e.Received, "duration", e.Duration)
	return append(list, known(
		"first_byte", e.FirstByte, "ended_by", e.EndedBy, "unacknowledged", e.Unacknowledged,
		"tls", e.TLS.Version, "sni", e.TLS.ServerName, "alpn", e.TLS.ALPN, "client", e.TLS.Peer,
	)...)
}

// known returns the fields that have a value.
func known(fields ...any) (list []any) {
	for f := range slices.Chunk(fields, 2) {
		if !reflect.ValueOf(f[1]).IsZero() {
			list = append(list, f...)
		}
	}
	return list
}

// plain is an address without the quotes around the path of a Unix socket.
func plain(name string) string {
	if s, err := strconv.Unquote(name); err == nil {
		return s
	}
	return name
}

func closedText(e echo.Event) string {
	s := fmt.Sprintf("closed %s: received %d bytes, sent %d, in %v, ended by %s",
		who(e), e.Received, e.Sent, e.Duration.Round(time.Microsecond), e.EndedBy)
	for _, more := range []struct {
		format string
		value  any
	}{
		{", over %s", e.TLS.Version}, {" to %q", e.TLS.ServerName}, {" with %q", e.TLS.ALPN}, {" by %q", e.TLS.Peer},
		{", %d bytes not acknowledged", max(e.Unacknowledged, 0)},
	} {
		if !reflect.ValueOf(more.value).IsZero() {
			s += fmt.Sprintf(more.format, more.value)
		}
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
	var words []string
	var fields []any
	for _, c := range counts {
		words = append(words, fmt.Sprintf("%d %s", c.value, c.text))
		fields = append(fields, c.key, c.value)
	}
	log.Event(level, "totals", "totals: "+strings.Join(words, ", "), fields...)
}
