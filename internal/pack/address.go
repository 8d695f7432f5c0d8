package pack

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The indices of the bytes that stand behind a separator.
var macBreaks, uuidBreaks = []int{1, 2, 3, 4, 5}, []int{4, 6, 8, 10}

// appendAddress writes the bytes of an {ip4}, {ip6}, {mac} or {uuid}.
func appendAddress(dst []byte, k kind, p []byte) []byte {
	switch k {
	case ip4:
		return netip.AddrFrom4([4]byte(p)).AppendTo(dst)
	case ip6:
		return netip.AddrFrom16([16]byte(p)).AppendTo(dst)
	case mac:
		return appendSeparated(dst, p, macBreaks, ':')
	}
	return appendSeparated(dst, p, uuidBreaks, '-')
}

// parseAddress appends the bytes of what appendAddress writes.
func parseAddress(dst []byte, k kind, text []byte) (out []byte, err error) {
	what, ok := "", false
	switch k {
	case ip4, ip6:
		if what = "an IPv4 address"; k == ip6 {
			what = "an IPv6 address"
		}
		// netip refuses leading zeros, which some programs take for octal.
		a, err := netip.ParseAddr(string(text))
		ok = err == nil && a.Is4() == (k == ip4) && a.Zone() == ""
		out = append(dst, a.AsSlice()...)
	case mac:
		what = "a MAC address"
		separator := byte(':')
		if bytes.IndexByte(text, '-') >= 0 {
			separator = '-'
		}
		out, ok = parseSeparated(dst, text, 6, macBreaks, separator)
	case uuid:
		what = "a UUID"
		out, ok = parseSeparated(dst, text, 16, uuidBreaks, '-')
	}
	if !ok {
		return dst, dataf("required argument is not %s, got %s", what, shown(text))
	}
	return out, nil
}

// appendSeparated writes bytes in hex, with a separator in front of those at breaks.
func appendSeparated(dst, b []byte, breaks []int, separator byte) []byte {
	for i, c := range b {
		if slices.Contains(breaks, i) {
			dst = append(dst, separator)
		}
		dst = append(dst, lowerHex[c>>4], lowerHex[c&15])
	}
	return dst
}

// parseSeparated reads n bytes as appendSeparated writes them, or in upper case.
func parseSeparated(dst, text []byte, n int, breaks []int, separator byte) ([]byte, bool) {
	digits := make([]byte, 0, 32)
	for _, c := range text {
		if c != separator {
			digits = append(digits, c)
		}
	}
	out, err := hex.AppendDecode(dst, digits)
	again := appendSeparated(make([]byte, 0, 36), out[len(dst):], breaks, separator)
	return out, err == nil && len(out) == len(dst)+n && bytes.EqualFold(again, text)
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
