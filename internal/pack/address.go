package pack

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// appendAddress writes the bytes of an {ip4}, {ip6}, {mac} or {uuid}.
func appendAddress(dst []byte, k kind, p []byte) []byte {
	switch k {
	case ip4:
		return netip.AddrFrom4([4]byte(p)).AppendTo(dst)
	case ip6:
		return netip.AddrFrom16([16]byte(p)).AppendTo(dst)
	}
	before, separator := uuidBreaks, byte('-')
	if k == mac {
		before, separator = macBreaks, ':'
	}
	for i, c := range p {
		if slices.Contains(before, i) {
			dst = append(dst, separator)
		}
		dst = append(dst, lowerHex[c>>4], lowerHex[c&15])
	}
	return dst
}

// The indices of the bytes that stand behind a separator.
var macBreaks, uuidBreaks = []int{1, 2, 3, 4, 5}, []int{4, 6, 8, 10}

// parseAddress appends the bytes of what appendAddress writes.
func parseAddress(dst []byte, k kind, text []byte) ([]byte, error) {
	switch k {
	case ip4:
		// netip refuses leading zeros, which some programs take for octal.
		if a, err := netip.ParseAddr(string(text)); err == nil && a.Is4() {
			return append(dst, a.AsSlice()...), nil
		}
		return dst, dataf("required argument is not an IPv4 address, got %s", shown(text))
	case ip6:
		if a, err := netip.ParseAddr(string(text)); err == nil && a.Zone() == "" && a.Is6() {
			b := a.As16()
			return append(dst, b[:]...), nil
		}
		return dst, dataf("required argument is not an IPv6 address, got %s", shown(text))
	case mac:
		if out, ok := separatedHex(dst, text, 6, macBreaks, ":-"); ok {
			return out, nil
		}
		return dst, dataf("required argument is not a MAC address, got %s", shown(text))
	}
	if out, ok := separatedHex(dst, text, 16, uuidBreaks, "-"); ok {
		return out, nil
	}
	return dst, dataf("required argument is not a UUID, got %s", shown(text))
}

// separatedHex reads n bytes in hex. One of separators, the same throughout, stands in front
// of the bytes whose indices are in before.
func separatedHex(dst, text []byte, n int, before []int, separators string) ([]byte, bool) {
	if len(text) != 2*n+len(before) {
		return dst, false
	}
	separator := text[2*before[0]]
	if strings.IndexByte(separators, separator) < 0 {
		return dst, false
	}
	for i := range n {
		if len(before) > 0 && before[0] == i {
			if text[0] != separator {
				return dst, false
			}
			text, before = text[1:], before[1:]
		}
		hi, lo := digitValue(text[0]), digitValue(text[1])
		if hi > 15 || lo > 15 {
			return dst, false
		}
		dst = append(dst, byte(hi<<4|lo))
		text = text[2:]
	}
	return dst, true
}

// The seconds since 1970 that RFC 3339 can write: the years 0 to 9999.
const (
	firstInstant = -62167219200
	lastInstant  = 253402300799
)

// appendInstant writes Unix seconds as RFC 3339 in UTC, or as a number where the
// year has more than four digits.
func appendInstant(dst []byte, seconds int64) []byte {
	if seconds < firstInstant || seconds > lastInstant {
		return strconv.AppendInt(dst, seconds, 10)
	}
	return time.Unix(seconds, 0).UTC().AppendFormat(dst, time.RFC3339)
}

// parseInstant reads RFC 3339, or a number of seconds. It refuses a fraction of a
// second, which would be lost.
func parseInstant(text []byte) (whole, bool) {
	text = trimSpace(text)
	if w, ok := parseWhole(text); ok {
		return w, true
	}
	t, err := time.Parse(time.RFC3339Nano, strings.ToUpper(string(text)))
	if err != nil || t.Nanosecond() != 0 {
		return whole{}, false
	}
	s := t.Unix()
	return fromTwos(0, uint64(s), 64, true), true
}
