package echo

import "testing"

// One of a pair of sockets, as --inetd may get it, tells no address.
func TestOriginOfPair(t *testing.T) {
	if o := originOf(nil); o.String() != "unnamed" {
		t.Errorf("it comes from %v", &o)
	}
}
