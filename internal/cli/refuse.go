package cli

import (
	"cmp"
	"reflect"
	"strconv"
	"strings"
)

// A Rule is a row of a table of conflicts. Options are separated by spaces.
type Rule struct {
	Of     string // the options that the rule is about
	Needs  string // options that each of them requires
	Not    string // options that each of them cannot be used with
	Lacks  string // what each of them requires and is not there, in words
	With   string // what is there and none of them can be used with, in words
	Try    string // a hint
	Unless bool   // the rule does not hold
}

// Refuse returns the usage error of the first conflict; given is as [Common.Given]
// returns it.
func Refuse(given map[string]bool, rules []Rule) error {
	for _, r := range rules {
		for option := range strings.FieldsSeq(r.Of) {
			if !given[option] || r.Unless {
				continue
			}
			needs := cmp.Or(first(r.Needs, given, false), r.Lacks)
			with := cmp.Or(first(r.Not, given, true), r.With)
			switch {
			case needs != "":
				return Hint(Usagef("%s needs %s", option, needs), r.Try)
			case with != "":
				return Hint(Usagef("cannot use %s with %s", option, with), r.Try)
			}
		}
	}
	return nil
}

// first returns the first of options that is given, or is not; "" if there is none.
func first(options string, given map[string]bool, is bool) string {
	for option := range strings.FieldsSeq(options) {
		if given[option] == is {
			return option
		}
	}
	return ""
}

// checkBounds returns an error for a number that is outside the bounds of its option: the
// tags least and most, in the unit of the field.
func (r *reader) checkBounds() error {
	for _, w := range r.words {
		least, err := strconv.ParseInt(w.tags.Get("least"), 10, 64)
		if err != nil {
			continue
		}
		most, err := strconv.ParseInt(w.tags.Get("most"), 10, 64)
		switch n := reflect.Indirect(w.field).Int(); {
		case n >= least && (n <= most || err != nil):
		case err == nil:
			return Usagef("%s must be from %d to %d", w.typed, least, most)
		case least == 0:
			return Usagef("%s cannot be negative", w.typed)
		default:
			return Usagef("%s must be at least %d", w.typed, least)
		}
	}
	return nil
}
