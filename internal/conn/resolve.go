package conn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

// A Resolver turns hosts and services into addresses. The zero value asks the system.
type Resolver struct {
	// Numeric forbids look-ups: hosts and ports must be numbers.
	Numeric bool
	// Lookup, if set, replaces [net.Resolver.LookupNetIP]: a [Memo], or a test.
	Lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// addresses are all addresses of e that its network allows, in the order in
// which they are to be tried: families alternate, the one that the system
// prefers first (RFC 8305, section 4).
func (r *Resolver) addresses(ctx context.Context, e Endpoint) ([]netip.AddrPort, error) {
	port, err := r.Port(ctx, e)
	if err != nil {
		return nil, err
	}
	ips, err := r.ips(ctx, e)
	if err != nil {
		return nil, err
	}
	addresses := make([]netip.AddrPort, 0, len(ips))
	for _, ip := range interleave(ips) {
		addresses = append(addresses, netip.AddrPortFrom(ip, port))
	}
	return addresses, nil
}

func (r *Resolver) ips(ctx context.Context, e Endpoint) ([]netip.Addr, error) {
	family := e.Network[len(e.Network)-1]
	if e.Host == "" {
		ips := []netip.Addr{netip.IPv6Loopback(), netip.AddrFrom4([4]byte{127, 0, 0, 1})}
		return ofFamily(ips, family), nil
	}
	if ip, err := netip.ParseAddr(e.Host); err == nil {
		if ips := ofFamily([]netip.Addr{ip}, family); len(ips) > 0 {
			return ips, nil
		}
		return nil, noAddress(e.Host, family)
	}
	if r.Numeric {
		return nil, &Error{Why: NoSuchName, Op: fmt.Sprintf("%q", e.Host), Err: fmt.Errorf("not an address, and names are not looked up")}
	}
	network := "ip"
	if family == '4' || family == '6' {
		network += string(family)
	}
	ips, err := r.lookup(ctx, network, e.Host)
	if _, ok := errors.AsType[*net.AddrError](err); ok {
		return nil, noAddress(e.Host, family) // it has addresses of the other family
	}
	if try := TryASCII(e.Host); err != nil && try != "" && ConnectKind(err) == NoSuchName {
		return nil, &Error{Why: NoSuchName, Err: err, Try: try}
	}
	if err != nil {
		return nil, err
	}
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	return ips, nil
}

// TryASCII is a hint for a name that is not ASCII: names in the DNS are ASCII (RFC
// 5891). It is empty for a name that is ASCII already.
func TryASCII(name string) string {
	if !strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII }) {
		return ""
	}
	return fmt.Sprintf("type the ASCII form of the name, xn--...; idn2 %q prints it", name)
}

// noAddress is the error that host has no address of the family '4' or '6'.
func noAddress(host string, family byte) error {
	return &Error{Why: NoSuchName, Op: host, Err: fmt.Errorf("no IPv%c address", family)}
}

func (r *Resolver) lookup(ctx context.Context, network, host string) ([]netip.Addr, error) {
	if r.Lookup != nil {
		return r.Lookup(ctx, network, host)
	}
	return net.DefaultResolver.LookupNetIP(ctx, network, host)
}

// Memo returns a resolver that asks r once for each name. It asks again if a failure is
// older than while (0 is never), and always if the failure was a lack of descriptors.
func (r Resolver) Memo(while time.Duration) Resolver {
	type key struct{ network, host string }
	type answer struct {
		sync.Mutex
		ips  []netip.Addr
		err  error
		when time.Time // zero is not asked yet
	}
	var known sync.Map // of key to *answer
	ask := r
	r.Lookup = func(ctx context.Context, network, host string) ([]netip.Addr, error) {
		found, _ := known.LoadOrStore(key{network, host}, new(answer))
		a := found.(*answer)
		a.Lock()
		defer a.Unlock()
		passed := while > 0 && time.Since(a.when) > while
		if a.when.IsZero() || a.err != nil && (passed || ConnectKind(a.err) == NoDescriptor) {
			a.ips, a.err = ask.lookup(ctx, network, host)
			a.when = time.Now()
		}
		return append([]netip.Addr(nil), a.ips...), a.err
	}
	return r
}

// Port is e's port as a number.
func (r *Resolver) Port(ctx context.Context, e Endpoint) (uint16, error) {
	if n, err := strconv.ParseUint(e.Port, 10, 16); err == nil {
		return uint16(n), nil
	}
	if r.Numeric {
		return 0, &Error{Why: NoSuchName, Op: fmt.Sprintf("%q", e.Port), Err: fmt.Errorf("not a port's number, and names are not looked up")}
	}
	network := strings.TrimRight(e.netNetwork(), "46")
	n, err := net.DefaultResolver.LookupPort(ctx, network, e.Port)
	if err != nil {
		return 0, &Error{Why: NoSuchName, Op: fmt.Sprintf("%q", e.Port), Err: fmt.Errorf("no such service for %s", network)}
	}
	return uint16(n), nil
}

// ofFamily keeps, of ips, the addresses of the family that '4' or '6' names; any other
// letter keeps all.
func ofFamily(ips []netip.Addr, family byte) []netip.Addr {
	return slices.DeleteFunc(ips, func(ip netip.Addr) bool {
		return family == '4' && !ip.Is4() && !ip.Is4In6() || family == '6' && ip.Is4()
	})
}

// interleave alternates the families in ips, beginning with that of the first address.
func interleave(ips []netip.Addr) []netip.Addr {
	for i := 1; i < len(ips); i++ {
		other := func(ip netip.Addr) bool { return ip.Is4() != ips[i-1].Is4() }
		if n := slices.IndexFunc(ips[i:], other); n > 0 { // it goes before the n of the same family
			next := ips[i+n]
			copy(ips[i+1:], ips[i:i+n])
			ips[i] = next
		}
	}
	return ips
}
