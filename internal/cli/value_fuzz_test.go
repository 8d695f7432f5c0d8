package cli

import (
	"strings"
	"testing"
)

// FuzzValues: a duration is parsed from its own String, a size is never negative, and
// the errors are safe to show.
func FuzzValues(f *testing.F) {
	for _, s := range []string{"5", "1.5", "500ms", "2m", "1h", "-1", "1e9", "9223372036s", "4096", "64K", "8M", "1G", "8E", "9999999999999G", `\\xHH`, `\n\r\t\\`, `\\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, durationErr := ParseDuration(s)
		if durationErr == nil {
			if again, err := ParseDuration(d.String()); err != nil || again != d {
				t.Errorf("%q is %v, which is %v, %v", s, d, again, err)
			}
		}
		n, sizeErr := ParseSize(s)
		if sizeErr == nil && n < 0 {
			t.Errorf("%q is %d bytes", s, n)
		}
		text, textErr := Unescape(s)
		if textErr == nil && !strings.Contains(s, `\`) && text != s {
			t.Errorf("%q became %q", s, text)
		}
		for _, err := range []error{durationErr, sizeErr, textErr} {
			if err != nil && strings.ContainsAny(err.Error(), "\x1b\n\x07\x00") {
				t.Errorf("the error for %q is not safe to show: %q", s, err)
			}
		}
	})
}
