package scan

import (
	"strings"
	"testing"

	"gcat/internal/conn"
)

func TestParsePorts(t *testing.T) {
	for in, want := range map[string]string{
		"80":              "80",
		"080":             "80",
		"1-3":             "1 2 3",
		"80 443 80":       "80 443 80",
		"22,80-82 81-83":  "22 80 81 82 81 82 83",
		"http":            "http",
		"http-alt":        "http-alt",
		"7-7":             "7",
		"65535":           "65535",
		"http-alt,8000-1": "",
		"10-5":            "",
		"0":               "",
		"00":              "",
		"0-3":             "",
		"80-65536":        "",
		"65536":           "",
		"80-":             "",
		"-80":             "",
		"80,":             "",
		",":               "",
		"1-2-3":           "",
		"99999999999-2":   "",
	} {
		got, err := ParsePorts(strings.Fields(in))
		if err != nil {
			got = nil
		}
		if strings.Join(got, " ") != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
}

func FuzzParsePorts(f *testing.F) {
	f.Add("22,80-82")
	f.Fuzz(func(t *testing.T, word string) {
		ports, err := ParsePorts([]string{word})
		if err == nil && len(ports) == 0 {
			t.Errorf("%q is nothing", word)
		}
		for _, port := range ports {
			if e := conn.CheckPort(port); e != nil {
				t.Errorf("%q holds %q: %v", word, port, e)
			}
		}
	})
}
