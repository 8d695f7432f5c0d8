package conn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// race connects to the addresses in turn, the next one whenever the last has
// failed or not answered within wait, and returns the first that answers.
// When it returns, the other attempts have ended and their sockets are closed.
func race(ctx context.Context, wait time.Duration, addresses []netip.AddrPort, dial func(context.Context, netip.AddrPort) (net.Conn, error)) (net.Conn, error) {
	if len(addresses) == 0 {
		return nil, &Error{Why: NoSuchName, Err: errors.New("the name has no address of that family")}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan attempt, len(addresses))
	failed := make([]error, len(addresses))
	for next, running := 0, 0; next < len(addresses) || running > 0; {
		var pause <-chan time.Time
		if next < len(addresses) {
			go func(i int, address netip.AddrPort) { // ends with its dial, at the latest with ctx
				c, err := dial(ctx, address)
				results <- attempt{i, c, err}
			}(next, addresses[next])
			next++
			running++
			if next < len(addresses) {
				pause = time.After(wait)
			}
		}
		select {
		case <-pause:
		case a := <-results:
			running--
			if a.err == nil || ConnectKind(a.err) == ResetByPeer { // this peer answered
				cancel()
				closeLate(results, running)
				return a.c, a.err
			}
			failed[a.i] = a.err
			if ConnectKind(a.err) == NoDescriptor {
				addresses = addresses[:next] // the others would find none either
			}
		}
	}
	return nil, allFailed(addresses, failed[:len(addresses)])
}

// An attempt is how the dial to address i ended.
type attempt struct {
	i   int
	c   net.Conn
	err error
}

// closeLate closes the connections that n cancelled attempts still made. It
// ends when the last of them has.
func closeLate(results <-chan attempt, n int) {
	for range n {
		if a := <-results; a.err == nil {
			_ = a.c.Close()
		}
	}
}

// allFailed is the error of a race without a winner: why, and all addresses. Its
// kind is that of the first address, unless there was no descriptor for one of
// them: how that one would have answered is not known.
func allFailed(addresses []netip.AddrPort, failed []error) error {
	names := make([]string, len(failed))
	reasons := make([]string, len(failed))
	alike, kind := true, ConnectKind(failed[0])
	for i, err := range failed {
		if ConnectKind(err) == NoDescriptor {
			kind = NoDescriptor
		}
		names[i] = addresses[i].Addr().String()
		reasons[i] = names[i] + ": " + Words(err)
		alike = alike && Words(err) == Words(failed[0])
	}
	if alike && kind == Timeout {
		return &Error{Why: kind, Op: strings.Join(names, ", "), Err: failed[0]}
	}
	if alike {
		return &Error{Why: kind, Err: fmt.Errorf("%s (%s)", Words(failed[0]), strings.Join(names, ", "))}
	}
	return &Error{Why: kind, Err: errors.New(strings.Join(reasons, "; "))}
}
