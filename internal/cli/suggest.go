package cli

import (
	"cmp"
	"strings"
	"unicode/utf8"
)

// unknownOption returns the error for an option that does not exist, with the most
// similar one that does. arg is the argument that contains it.
func (a *App) unknownOption(r *reader, typed, arg string) error {
	if ours := a.Foreign[typed]; ours != "" {
		return Hint(Usagef("unknown option %q", typed), typed+" is "+ours+" here")
	}
	// The reader takes -timeout, with one hyphen, for a bundle of letters.
	if name, _, _ := strings.Cut(arg[1:], "="); len(typed) == 2 && len(name) > 1 && r.find(name, "") != nil {
		return Usagef("unknown option %q, did you mean %s?", arg, a.typable(r.find(name, "")))
	}
	if name, ok := strings.CutPrefix(typed, "--"); ok {
		if f := r.nearest(name); f != nil {
			return Usagef("unknown option %q, did you mean %s?", typed, a.typable(f))
		}
	} else if f := cmp.Or(r.find("", strings.ToLower(typed[1:])), r.find("", strings.ToUpper(typed[1:]))); f != nil {
		return Usagef("unknown option %q, did you mean -%s (--%s)?", typed, f.letter, f.name)
	}
	return Usagef("unknown option %q", typed)
}

// typable returns the spelling of an option: "--timeout D".
func (a *App) typable(f *flag) string {
	placeholder, _ := a.described(f.name)
	return strings.TrimSpace("--" + f.name + " " + placeholder)
}

// nearest returns the flag whose name is the most similar to name; nil if none is
// similar. Names of which one contains the other are as similar as with one change.
func (r *reader) nearest(name string) *flag {
	name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	if name == "" {
		return nil
	}
	var best *flag
	limit := utf8.RuneCountInString(name)*2/5 + 1
	for i := range r.flags {
		f := &r.flags[i]
		d := distance(name, f.name)
		if len(name) >= 3 && (strings.Contains(f.name, name) || len(f.name) >= 3 && strings.Contains(name, f.name)) {
			d = 1
		}
		if strings.HasPrefix(f.name, name) {
			d = 0
		}
		if d < limit {
			best, limit = f, d
		}
	}
	return best
}

// distance returns how many insertions, deletions, changes and swaps of neighbors turn
// a into b (optimal string alignment).
func distance(a, b string) int {
	before, last, row := []int(nil), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, make([]int, len(b)+1)
	}
	return last[len(b)]
}
