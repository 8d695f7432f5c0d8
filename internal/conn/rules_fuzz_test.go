package conn

import (
	"net"
	"net/netip"
	"strings"
	"testing"
)

// FuzzRules: what --allow and --deny take is a prefix that holds its own
// address, and what they refuse is refused in words that are safe to show.
func FuzzRules(f *testing.F) {
	for _, s := range []string{"127.0.0.1", "10.0.0.0/8", "::1", "fe80::/10", "fe80::1%eth0", "::ffff:1.2.3.4/120", "1.2.3.4/33", "localhost"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRules([]string{s}, nil)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\x1b\n\x07\x00") {
				t.Errorf("the error for %q is not safe to show: %q", s, err)
			}
			return
		}
		for _, p := range r.Allow {
			if !r.Permits(&net.TCPAddr{IP: p.Addr().AsSlice(), Zone: p.Addr().Zone()}) {
				t.Errorf("%q does not permit its own address %v", s, p.Addr())
			}
		}
		deny := Rules{Deny: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}, Allow: r.Allow}
		for _, p := range r.Allow {
			if deny.Permits(&net.TCPAddr{IP: p.Addr().AsSlice()}) {
				t.Errorf("%q permits what is denied", s)
			}
		}
	})
}
