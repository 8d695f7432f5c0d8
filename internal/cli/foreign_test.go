package cli

import (
	"strings"
	"testing"
)

// What is no UTF-8 reaches the grammar as it was typed, also past kong, which
// reads the line if an option is repeated.
func TestForeignBytes(t *testing.T) {
	for _, s := range []string{"\xe9", "a\xff\x80b", "é\xffé", "\U0010fe80\xff", "\xf4\x8f\xb8", "\uFFFD\xef\xbf"} {
		var g grammar
		parser, err := testApp.parser(&g)
		if err != nil {
			t.Fatal(err)
		}
		if err := parse(parser, &g, []string{"-e", "x" + s, "--allow", s, "-w", "1", "-w", "2", "dest" + s}); err != nil {
			t.Errorf("%q: %v", s, err)
		}
		if g.Exec != "x"+s || g.Dest != "dest"+s || len(g.Allow) != 1 || g.Allow[0] != s {
			t.Errorf("%q: %+v", s, g)
		}
		if veil(s) == s || unveil(veil(s)) != s {
			t.Errorf("%q: %q", s, veil(s))
		}
		err = parse(parser, &g, []string{"-w", s})
		if err == nil || strings.Contains(err.Error(), "0010fe") {
			t.Errorf("%q: %v", s, err)
		}
	}
}
