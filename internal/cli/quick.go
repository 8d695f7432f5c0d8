package cli

import (
	"encoding"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// quick reads args into grammar if they are flags spelt in full or as letters,
// each with a value that cannot be anything else, and operands; and reports
// whether they are. What is doubtful or wrong it leaves to kong, and grammar as
// it was. Most command lines are plain, and kong takes as long to make its model
// of the grammar as the rest of a short run takes altogether.
//
// A test holds it to what kong makes of the same command lines.
func (a *App) quick(grammar any, args []string) (*kong.Application, bool) {
	fresh := reflect.New(reflect.TypeOf(grammar).Elem())
	fresh.Elem().Set(reflect.ValueOf(grammar).Elem())
	model := a.sketch(fresh.Interface())
	if model == nil {
		return nil, false
	}
	r := quickReader{model: model}
	if !r.defaults() || !r.read(args) {
		return nil, false
	}
	g := fresh.Interface()
	switch c := g.(interface{ common() *Common }).common(); {
	case c.Completion != "":
		return nil, false // made from the whole model
	case c.asks():
	case !r.operands():
		return nil, false
	default:
		if v, ok := g.(interface{ Validate() error }); ok && v.Validate() != nil {
			return nil, false
		}
	}
	reflect.ValueOf(grammar).Elem().Set(fresh.Elem())
	return model, true
}

type quickReader struct {
	model *kong.Application
	words []string // the operands
}

// defaults sets what has a default value, and clears the rest.
func (r *quickReader) defaults() bool {
	for _, f := range r.model.Flags {
		f.Target.SetZero()
		if f.HasDefault && !assign(f.Value, f.Default) {
			return false
		}
	}
	return true
}

// read takes the flags of args, and keeps the operands for later.
func (r *quickReader) read(args []string) bool {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "" || arg[0] != '-' {
			if len(r.model.Positional) == 0 {
				return false
			}
			r.words = append(r.words, arg)
			if r.model.Positional[0].Passthrough {
				r.words = args[i:] // whatever they look like
				return !slices.Contains(r.words, "--")
			}
			continue
		}
		f, value, valued := r.flag(arg)
		if f == nil {
			return false
		}
		if !takesValue(f) {
			if valued || !turnOn(f) {
				return false
			}
			continue
		}
		if !valued {
			if i++; i == len(args) || args[i] == "" || args[i][0] == '-' {
				return false
			}
			value = args[i]
		}
		if f.Set || value == "" || !assign(f.Value, value) {
			return false
		}
		f.Set = true
	}
	return true
}

// flag is the flag that arg names, and its value if that is within arg. The
// flags in front of it in a bundle of letters are turned on.
func (r *quickReader) flag(arg string) (f *kong.Flag, value string, valued bool) {
	if name, ok := strings.CutPrefix(arg, "--"); ok {
		name, value, valued = strings.Cut(name, "=")
		return long(r.model, name), value, valued
	}
	for letters := arg[1:]; letters != ""; letters = value {
		letter, n := utf8.DecodeRuneInString(letters)
		f = short(r.model, letter)
		value = letters[n:]
		switch {
		case f == nil || strings.HasPrefix(value, "="):
			return nil, "", false
		case value == "":
			return f, "", false
		case takesValue(f):
			return f, value, true
		case !turnOn(f):
			return nil, "", false
		}
	}
	return nil, "", false
}

// operands hands the words out: one each, and to a list what is left.
func (r *quickReader) operands() bool {
	words := r.words
	for _, p := range r.model.Positional {
		switch {
		case p.Target.Kind() == reflect.Slice && p.Target.Type().Elem().Kind() == reflect.String:
			if len(words) > 0 {
				p.Target.Set(reflect.ValueOf(words))
			}
			words = nil
		case len(words) > 0:
			if !assign(p, words[0]) {
				return false
			}
			words = words[1:]
		case p.Required:
			return false
		}
	}
	return len(words) == 0
}

// turnOn is a flag without a value.
func turnOn(f *kong.Flag) bool {
	switch f.Target.Kind() {
	case reflect.Bool:
		f.Target.SetBool(true)
	case reflect.Int:
		f.Target.SetInt(f.Target.Int() + 1)
	default:
		return false
	}
	return true
}

// assign sets a value, if there is no doubt what is meant.
func assign(v *kong.Value, text string) bool {
	if v.Tag.Type != "" || v.Enum != "" && !slices.Contains(v.EnumSlice(), text) {
		return false
	}
	target := v.Target
	if target.Kind() == reflect.Pointer {
		target = reflect.New(target.Type().Elem()).Elem()
	}
	switch pointer := target.Addr().Interface().(type) {
	case kong.MapperValue, interface{ Validate() error }:
		return false
	case encoding.TextUnmarshaler:
		if pointer.UnmarshalText([]byte(text)) != nil {
			return false
		}
	case *string:
		*pointer = text
	case *int:
		n, ok := number(text)
		if !ok {
			return false
		}
		*pointer = n
	case *int64:
		n, ok := number(text)
		if !ok {
			return false
		}
		*pointer = int64(n)
	case *[]string:
		if v.Tag.Sep != -1 && strings.ContainsAny(text, `,\`) {
			return false
		}
		*pointer = []string{text}
	default:
		return false
	}
	if v.Target.Kind() == reflect.Pointer {
		v.Target.Set(target.Addr())
	}
	return true
}

// number reads a number in plain figures that fits anywhere.
func number(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil && strconv.FormatUint(n, 10) == text
}

// Disagreement reads args both ways, into what grammar returns, and says what
// comes out differently; it is empty if nothing does, and quick is whether they
// are read without kong at all. Tests hold the commands' grammars to it.
func (a *App) Disagreement(grammar func() any, args []string) (difference string, quick bool) {
	fast, slow := grammar(), grammar()
	parser, err := a.parser(slow)
	if err != nil {
		return err.Error(), false
	}
	model, quick := a.quick(fast, args)
	if !quick {
		return "", false
	}
	args = operandsLast(parser.Model, args)
	err = parse(parser, slow, args)
	if err == nil {
		err = missingValue(parser.Model, args)
	}
	switch {
	case fast.(interface{ common() *Common }).common().asks():
		if a.help(model) != a.help(parser.Model) {
			return "help:\n" + a.help(model), true
		}
	case err != nil:
		return "kong refuses it: " + err.Error(), true
	case !reflect.DeepEqual(fast, slow):
		return sprintf("%+v\nkong: %+v", fast, slow), true
	}
	return "", true
}
