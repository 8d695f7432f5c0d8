package conn

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Rules say who may connect, by address. The zero value lets every peer in.
//
// A peer is let in if Allow is empty or holds its address, and no prefix of Deny does:
// what is denied stays denied. An IPv4 peer that arrives on an IPv6 socket
// (::ffff:192.0.2.1) is an IPv4 peer here, and so is a rule written like that; ::/0
// therefore means every IPv6 peer and no IPv4 one. Zones (%eth0) are not looked at.
type Rules struct {
	Allow, Deny []netip.Prefix
}

// ParseRules reads rules from addresses and CIDR prefixes of either family,
// several in one string with commas between. The error quotes the first one
// that is neither; it is an error of the command line.
func ParseRules(allow, deny []string) (Rules, error) {
	var r Rules
	var err error
	if r.Allow, err = parsePrefixes(allow); err != nil {
		return Rules{}, fmt.Errorf("cannot allow %w", err)
	}
	if r.Deny, err = parsePrefixes(deny); err != nil {
		return Rules{}, fmt.Errorf("cannot deny %w", err)
	}
	return r, nil
}

// IsZero reports whether there are no rules.
func (r Rules) IsZero() bool { return len(r.Allow) == 0 && len(r.Deny) == 0 }

// Permits reports whether the peer at addr may connect. A peer without an IP
// address (a Unix socket) is in no list: it is let in if Allow is empty.
func (r Rules) Permits(addr net.Addr) bool {
	a, ok := addr.(interface{ AddrPort() netip.AddrPort })
	if !ok {
		return len(r.Allow) == 0
	}
	ip := a.AddrPort().Addr().Unmap().WithZone("")
	return (len(r.Allow) == 0 || holds(r.Allow, ip)) && !holds(r.Deny, ip)
}

func holds(prefixes []netip.Prefix, ip netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(ip) })
}

func parsePrefixes(texts []string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, text := range texts {
		for one := range strings.SplitSeq(text, ",") {
			one = strings.TrimSpace(one)
			p, err := parsePrefix(one)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", one, err)
			}
			prefixes = append(prefixes, p)
		}
	}
	return prefixes, nil
}

// parsePrefix reads 192.0.2.1, 192.0.2.0/24, 2001:db8::1 or 2001:db8::/32.
// Bits set behind the prefix (192.0.2.1/24) do no harm: they are cleared.
func parsePrefix(s string) (netip.Prefix, error) {
	if s == "" {
		return netip.Prefix{}, errors.New("empty")
	}
	host, length, cidr := strings.Cut(s, "/")
	ip, err := netip.ParseAddr(unbracket(host))
	switch {
	case err != nil:
		return netip.Prefix{}, errors.New("not an address or CIDR prefix (names are not looked up)")
	case ip.Zone() != "":
		return netip.Prefix{}, errors.New("an address with a zone cannot be a rule")
	case !cidr:
		length = strconv.Itoa(ip.BitLen())
	}
	p, err := netip.ParsePrefix(ip.String() + "/" + length)
	if err != nil {
		return p, fmt.Errorf("the prefix length must be 0 to %d", ip.BitLen())
	}
	if ip.Is4In6() && p.Bits() >= 96 {
		return ip.Unmap().Prefix(p.Bits() - 96)
	}
	return p.Masked(), nil
}
