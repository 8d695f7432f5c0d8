package cli

import (
	"errors"
	"reflect"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// parse lets kong read args into grammar. Kong hands values on as JSON, in which
// bytes that are not UTF-8 would be replaced; so they go through it as runes that
// nobody types, the last private ones of Unicode.
func parse(parser *kong.Kong, grammar any, args []string) error {
	veiled, foreign := make([]string, len(args)), false
	for i, arg := range args {
		veiled[i] = veil(arg)
		foreign = foreign || veiled[i] != arg
	}
	_, err := parser.Parse(veiled)
	if !foreign {
		return err
	}
	unveilAll(reflect.ValueOf(grammar).Elem())
	if err == nil {
		return nil
	}
	quoted := regexp.MustCompile(`\\U0010fe([0-9a-f]{2})`) // as %q spells it
	plain := errors.New(quoted.ReplaceAllString(unveil(err.Error()), `\x$1`))
	if e, ok := errors.AsType[*Error](err); ok {
		return &Error{Status: e.Status, Err: plain, Hint: e.Hint}
	}
	return plain
}

// veiled + b stands for the byte b.
const veiled = 0x10fe00

func isVeil(r rune) bool { return r>>8 == veiled>>8 }

// veil is s in UTF-8, without loss.
func veil(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, isVeil) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || isVeil(r) {
			for range n {
				b.WriteRune(veiled + rune(s[i]))
				i++
			}
			continue
		}
		b.WriteString(s[i : i+n])
		i += n
	}
	return b.String()
}

// unveil undoes veil.
func unveil(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if isVeil(r) {
			b.WriteByte(byte(r))
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// unveilAll unveils the strings in the exported fields of a grammar.
func unveilAll(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() || v.Type().Field(i).Anonymous {
				unveilAll(f)
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			unveilAll(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			unveilAll(v.Index(i))
		}
	case reflect.String:
		if v.CanSet() {
			v.SetString(unveil(v.String()))
		}
	}
}
