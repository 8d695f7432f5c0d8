package conn

import (
	"net"
	"net/netip"
	"strings"
	"testing"
)

func TestRulesPermit(t *testing.T) {
	tests := []struct {
		allow, deny string
		peer        string
		want        bool
	}{
		{"", "", "192.0.2.1", true},
		{"192.0.2.1", "", "192.0.2.1", true},
		{"192.0.2.1", "", "192.0.2.2", false},
		{"192.0.2.0/24", "", "192.0.2.255", true},
		{"192.0.2.77/24", "", "192.0.2.255", true},
		{"192.0.2.0/24", "", "192.0.3.0", false},
		{"192.0.2.0/24,10.0.0.0/8", "", "10.200.0.1", true},
		{"192.0.2.0/24, 10.0.0.0/8", "", "10.200.0.1", true},
		{"", "10.0.0.0/8", "10.200.0.1", false},
		{"", "10.0.0.0/8", "11.0.0.1", true},
		{"10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", false},
		{"10.0.0.0/8", "10.1.0.0/16", "10.2.2.3", true},
		{"10.1.0.0/16", "10.0.0.0/8", "10.1.2.3", false}, // deny wins
		{"0.0.0.0/0", "", "203.0.113.9", true},
		{"0.0.0.0/0", "", "2001:db8::1", false},
		{"::/0", "", "2001:db8::1", true},
		{"::/0", "", "203.0.113.9", false},
		{"", "::/0", "::ffff:203.0.113.9", true},
		{"2001:db8::/32", "", "2001:db8:ffff::1", true},
		{"2001:db8::/32", "", "2001:db9::1", false},
		{"[2001:db8::1]", "", "2001:db8::1", true},
		{"fe80::/10", "", "fe80::1%lo", true},
		// IPv4 peers on an IPv6 socket, and rules written that way.
		{"127.0.0.1", "", "::ffff:127.0.0.1", true},
		{"", "127.0.0.0/8", "::ffff:127.0.0.1", false},
		{"::ffff:127.0.0.1", "", "127.0.0.1", true},
		{"::ffff:127.0.0.0/104", "", "127.9.9.9", true},
		{"::ffff:0:0/96", "", "198.51.100.7", true},
	}
	for _, tt := range tests {
		t.Run(tt.allow+" "+tt.deny+" "+tt.peer, func(t *testing.T) {
			r, err := ParseRules(list(tt.allow), list(tt.deny))
			if err != nil {
				t.Fatal(err)
			}
			ap := netip.AddrPortFrom(netip.MustParseAddr(tt.peer), 1234)
			for _, addr := range []net.Addr{
				net.TCPAddrFromAddrPort(ap),
				net.UDPAddrFromAddrPort(ap),
			} {
				if got := r.Permits(addr); got != tt.want {
					t.Errorf("%T %v permitted: %v, want %v", addr, addr, got, tt.want)
				}
			}
		})
	}
}

// list is the value of an option: absent, or once.
func list(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func TestRulesWithoutAddress(t *testing.T) {
	unix := &net.UnixAddr{Name: "@x", Net: "unix"}
	if !(Rules{}).Permits(unix) || !(Rules{}).IsZero() {
		t.Error("no rules at all keep a Unix peer out")
	}
	allow, err := ParseRules([]string{"0.0.0.0/0,::/0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if allow.IsZero() || allow.Permits(unix) || allow.Permits(nil) {
		t.Error("a list of addresses lets a peer in that has none")
	}
	deny, err := ParseRules(nil, []string{"0.0.0.0/0"})
	if err != nil {
		t.Fatal(err)
	}
	if !deny.Permits(unix) {
		t.Error("a list of addresses to deny keeps a Unix peer out")
	}
}

func TestParseRulesErrors(t *testing.T) {
	tests := []struct{ rule, want string }{
		{"10.0.0.0/33", `cannot allow "10.0.0.0/33": the prefix length must be 0 to 32`},
		{"10.0.0.0/-1", `"10.0.0.0/-1": the prefix length must be 0 to 32`},
		{"10.0.0.0/08", `"10.0.0.0/08": the prefix length`},
		{"10.0.0.0/", `the prefix length`},
		{"::/129", `must be 0 to 128`},
		{"10.0.0", `"10.0.0": not an address or CIDR prefix`},
		{"010.0.0.1", `not an address`},
		{"localhost", `"localhost": not an address or CIDR prefix (names are not looked up)`},
		{"1.2.3.4\x1b[2J", `"1.2.3.4\x1b[2J": not an address`},
		{"fe80::1%eth0", `an address with a zone cannot be a rule`},
		{"10.0.0.1,,10.0.0.2", `"": empty`},
	}
	for _, tt := range tests {
		r, err := ParseRules([]string{tt.rule}, nil)
		if err == nil {
			t.Errorf("%q: no error, %v", tt.rule, r)
			continue
		}
		if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %s", tt.rule, err, tt.want)
		}
		if !r.IsZero() {
			t.Errorf("%q: rules beside the error: %v", tt.rule, r)
		}
	}
	if _, err := ParseRules(nil, []string{"x"}); err == nil || !strings.HasPrefix(err.Error(), `cannot deny "x": `) {
		t.Errorf("deny: %v", err)
	}
	if _, err := ParseRules([]string{""}, nil); err == nil {
		t.Error("an empty list was typed and allowed everybody")
	}
}
