package conn

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// respelled is a hint for WORD:REST if word is a scheme of other tools: socat (TCP:,
// UNIX-CONNECT:), curl (http://). It is empty if word is none.
func respelled(word, rest string) string {
	scheme, _, _ := strings.Cut(strings.ToLower(word), "-")
	port := ""
	switch scheme {
	case "openssl", "ssl":
		scheme = "tls"
	case "http":
		scheme, port = "tcp", ":80"
	case "https":
		scheme, port = "tls", ":443"
	}
	rest = strings.TrimPrefix(rest, "//")
	if port != "" {
		rest, _, _ = strings.Cut(rest, "/")
		if !strings.Contains(rest[strings.LastIndex(rest, "]")+1:], ":") {
			rest += port
		}
	}
	if !slices.Contains(networks, scheme) {
		return ""
	}
	return tryTyping(scheme + "://" + rest)
}

// tryTyping is the hint to type spelled; empty if that has characters to be quoted.
func tryTyping(spelled string) string {
	if strconv.Quote(spelled) != `"`+spelled+`"` {
		return ""
	}
	return "type " + spelled
}

// literal is host with an address in its usual form, where it is one that inet_aton(3)
// takes ("127.1", "0x7f000001", "0") or has its zone behind %25 (RFC 6874).
func literal(host string) string {
	if address, zone, ok := strings.Cut(host, "%25"); ok && zone != "" && !strings.HasPrefix(zone, "25") {
		return address + "%" + zone
	}
	if ip, ok := inetAton(host); ok {
		return ip.String()
	}
	return host
}

// inetAton reads an IPv4 address as inet_aton(3) does: one to four numbers, each
// decimal, octal (0...) or hexadecimal (0x...), the last of which fills the rest.
func inetAton(s string) (netip.Addr, bool) {
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var ip uint64
	for i, part := range parts {
		base, digits := 10, part
		switch {
		case strings.HasPrefix(part, "0x"), strings.HasPrefix(part, "0X"):
			base, digits = 16, part[2:]
		case len(part) > 1 && part[0] == '0':
			base, digits = 8, part[1:]
		}
		bits := 8
		if i == len(parts)-1 {
			bits = 8 * (4 - i)
		}
		n, err := strconv.ParseUint(digits, base, bits)
		if err != nil {
			return netip.Addr{}, false
		}
		ip = ip<<bits | n
	}
	return netip.AddrFrom4([4]byte{byte(ip >> 24), byte(ip >> 16), byte(ip >> 8), byte(ip)}), true
}
