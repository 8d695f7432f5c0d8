package scan

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"gcat/internal/conn"
)

// A Result is the result of a [Scan] for one port.
type Result struct {
	Endpoint conn.Endpoint
	// Name is the port, or the whole address if the scan has several hosts.
	Name string
	// Err is nil if the port is open. Its kind is [conn.Timeout] if there was no
	// answer; a UDP port is then open or filtered.
	Err error
}

// State returns the state of the port in one word, and in words for people.
func (r Result) State() (state, words string) {
	switch {
	case r.Err == nil:
		return "open", "open"
	case conn.KindOf(r.Err) != conn.Timeout:
		return "closed", r.reason()
	case r.Endpoint.Datagram():
		return "open-or-filtered", "open or filtered"
	}
	return "filtered", r.reason()
}

// reason returns why the port is not open, without its endpoint, which the caller
// names. The name of a proxy that cannot be reached stays.
func (r Result) reason() string {
	if e, ok := errors.AsType[*conn.Error](r.Err); ok && e.Err != nil && e.Op == "connect to "+r.Endpoint.Address() {
		return conn.Words(e.Err)
	}
	return conn.Words(r.Err)
}

// Results are the results of a scan.
type Results struct {
	oneHost      bool // the ports belong to one host
	open, closed []Result
}

// oneHost reports whether all ports belong to one host.
func oneHost(ports []conn.Endpoint) bool {
	first := ports[0]
	return !first.Unix() && !slices.ContainsFunc(ports, func(e conn.Endpoint) bool {
		return e.Host != first.Host || e.Network != first.Network
	})
}

// AllOpen returns nil if all ports are open. If one passed a time limit, the kind of the
// error is [conn.Timeout].
func (all *Results) AllOpen() error {
	if len(all.closed) == 0 {
		return nil
	}
	if len(all.open)+len(all.closed) == 1 {
		return all.closed[0].Err
	}
	var reasons []string
	names := make(map[string][]string) // by reason
	why := cmp.Or(conn.KindOf(all.closed[0].Err), conn.NoConnection)
	for _, r := range all.closed {
		if conn.KindOf(r.Err) == conn.Timeout {
			why = conn.Timeout
		}
		words := r.reason()
		if names[words] == nil {
			reasons = append(reasons, words)
		}
		names[words] = append(names[words], r.Name)
	}
	for i, words := range reasons {
		if all.oneHost {
			reasons[i] = "port " + ranges(names[words]) + ": " + words
		} else {
			reasons[i] = "connect to " + strings.Join(names[words], ", ") + ": " + words
		}
	}
	op := ""
	if all.oneHost {
		op = "connect to " + cmp.Or(all.closed[0].Endpoint.Host, "localhost")
	}
	return &conn.Error{Why: why, Op: op, Err: errors.New(strings.Join(reasons, "; "))}
}

// AllClosed returns nil if all ports are closed. A port that could not be probed, or that
// may be open, is not known to be closed.
func (all *Results) AllClosed() error {
	for _, r := range all.closed {
		switch why := conn.KindOf(r.Err); {
		case why == conn.Timeout && (r.Endpoint.Datagram() || !noAnswer(r.Err)):
			return r.Err
		case why == conn.Refused, why == conn.Unreachable, why == conn.NotFound, why == conn.KernelGaveUp, why == conn.Timeout:
		default:
			return r.Err
		}
	}
	if len(all.open) == 0 {
		return nil
	}
	names := make([]string, len(all.open))
	for i, r := range all.open {
		names[i] = r.Endpoint.Address()
	}
	return &conn.Error{Why: conn.Timeout, Op: strings.Join(names, ", "), Err: errors.New("still open")}
}

// noAnswer reports whether it was connect(2) that passed the limit, rather than the
// look-up of the name, or a handshake with a port that is open.
func noAnswer(err error) bool {
	e, _ := errors.AsType[*conn.Error](err)
	below, ok := errors.AsType[*conn.Error](e.Err)
	return !ok || below.Why == conn.Timeout
}

// ranges joins ports with commas, and runs of ports with a hyphen: 1-3,7.
func ranges(ports []string) string {
	var b strings.Builder
	for i := 0; i < len(ports); {
		first, err := strconv.Atoi(ports[i])
		j := i + 1
		for err == nil && j < len(ports) && ports[j] == strconv.Itoa(first+j-i) {
			j++
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(ports[i])
		if j > i+1 {
			b.WriteString("-" + ports[j-1])
		}
		i = j
	}
	return b.String()
}
