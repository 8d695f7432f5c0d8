package cli

import (
	"cmp"
	"encoding"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A flag is an option or an operand of a grammar. The tags of its field are kong's, and
// filled, which refuses an empty value (it is usually a script's unset variable), least
// and most.
type flag struct {
	name   string // without hyphens
	letter string // empty if it has none
	field  reflect.Value
	tags   reflect.StructTag
	given  bool
}

// counts reports whether the value of f is the number of times it is given, as in -vv.
func (f *flag) counts() bool { return f.tags.Get("type") == "counter" }

// takesValue reports whether f requires a value.
func (f *flag) takesValue() bool { return f.field.Kind() != reflect.Bool && !f.counts() }

// isPreset reports whether the value of f is its default.
func (f *flag) isPreset() bool {
	value := f.tags.Get("default")
	if value == "" {
		return f.field.IsZero()
	}
	preset := reflect.New(f.field.Type()).Elem()
	_, err := assign(preset, value)
	return err == nil && preset.Equal(f.field)
}

// A reader reads command lines into a grammar: a pointer to a struct of flags and
// operands.
type reader struct {
	grammar  any
	flags    []flag
	operands []flag // the last one may be a list

	// The command line, after split.
	words []word
	rest  []string // the arguments for the operands
	wrong error    // of the first option that is unknown or lacks its value
}

// A word is an option on a command line; each letter of a bundle is one.
type word struct {
	*flag
	typed  string // "--timeout" or "-w"
	value  string
	valued bool // the value is given
}

// newReader lists the flags and operands of grammar. kong needs as much time for that as
// the rest of a short run takes.
func newReader(grammar any) *reader {
	r := &reader{grammar: grammar, flags: make([]flag, 0, 96)}
	r.fields(reflect.ValueOf(grammar).Elem())
	return r
}

// fields adds the fields of a struct and of the structs that it embeds.
func (r *reader) fields(v reflect.Value) {
	t := v.Type()
	for i := range t.NumField() {
		field, target := t.Field(i), v.Field(i)
		name := cmp.Or(field.Tag.Get("name"), hyphenated(field.Name))
		f := flag{name: name, letter: field.Tag.Get("short"), field: target, tags: field.Tag}
		switch {
		case field.Anonymous:
			r.fields(target)
		case !target.CanSet(): // not an option
		case has(field.Tag, "arg"):
			r.operands = append(r.operands, f)
		default:
			r.flags = append(r.flags, f)
		}
	}
}

func has(tags reflect.StructTag, key string) bool {
	_, ok := tags.Lookup(key)
	return ok
}

// hyphenated returns the name of the flag of a field, as in kong: ConnectTimeout is
// connect-timeout. A field with several capitals in a row has a tag.
func hyphenated(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; i > 0 && c >= 'A' && c <= 'Z' && name[i-1] >= 'a' {
			b.WriteByte('-')
		}
		b.WriteByte(name[i])
	}
	return strings.ToLower(b.String())
}

// find returns the flag with that name or letter; nil if there is none.
func (r *reader) find(name, letter string) *flag {
	for i := range r.flags {
		if f := &r.flags[i]; f.name == name || f.letter == letter && letter != "" {
			return f
		}
	}
	return nil
}

// split divides args into options, their values and operands, as getopt(3) does. No
// other function decides that.
func (a *App) split(r *reader, args []string) {
	r.words = make([]word, 0, len(args)+8)
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			r.rest = append(r.rest, args...)
			return
		case len(arg) < 2 || arg[0] != '-':
			r.rest = append(r.rest, arg)
			if has(r.operands[0].tags, "passthrough") { // it ends the options
				r.rest = append(r.rest, args...)
				return
			}
		case arg[1] == '-':
			name, value, valued := strings.Cut(arg[2:], "=")
			args = a.option(r, word{r.find(name, ""), "--" + name, value, valued}, arg, args)
		default:
			for letters := arg[1:]; letters != ""; {
				_, n := utf8.DecodeRuneInString(letters)
				w := word{flag: r.find("", letters[:n]), typed: "-" + letters[:n]}
				if letters = letters[n:]; w.flag != nil && w.takesValue() && letters != "" {
					w.value, w.valued, letters = letters, true, ""
				}
				args = a.option(r, w, arg, args)
			}
		}
	}
}

// option adds w, which is in arg, with its value, which may be the first of args. It
// returns the rest of args.
func (a *App) option(r *reader, w word, arg string, args []string) []string {
	if w.flag != nil && w.takesValue() && !w.valued && len(args) > 0 && args[0] != "--" {
		w.value, w.valued, args = args[0], true, args[1:]
	}
	switch {
	case w.flag == nil:
		r.wrong = cmp.Or(r.wrong, a.unknownOption(r, w.typed, arg))
	case w.takesValue() && !w.valued:
		placeholder, _ := a.described(w.name)
		r.wrong = cmp.Or(r.wrong, Usagef("%s needs a value: type %s %s", w.typed, w.typed, placeholder))
	case w.value == "" && has(w.tags, "filled"):
		r.wrong = cmp.Or(r.wrong, Usagef("the value of %s is empty", w.typed))
	default:
		r.words = append(r.words, w)
	}
	return args
}

// set sets the fields of the flags. It returns false if kong has to read the line; some
// fields may be set then.
func (r *reader) set() (ok bool, err error) {
	for i := range r.flags {
		f := &r.flags[i]
		f.field.SetZero()
		if preset := f.tags.Get("default"); preset != "" {
			if ok, err := assign(f.field, preset); !ok || err != nil {
				return ok, err
			}
		}
	}
	for _, w := range r.words {
		enum := w.tags.Get("enum")
		switch {
		case !w.valued && w.counts():
			w.field.SetInt(w.field.Int() + 1)
		case !w.valued && !w.takesValue():
			w.field.SetBool(true)
		case w.given, !w.takesValue(), enum != "" && !slices.Contains(strings.Split(enum, ","), w.value),
			w.field.Kind() == reflect.Slice && w.tags.Get("sep") != "none" && (w.value == "" || strings.ContainsAny(w.value, `,\`)):
			return false, nil
		default:
			if ok, err := assign(w.field, w.value); err != nil {
				return true, Usagef("--%s: %w", w.name, err)
			} else if !ok {
				return false, nil
			}
			w.given = true
		}
	}
	return true, nil
}

// setOperands sets the fields of the operands.
func (a *App) setOperands(r *reader) error {
	rest := r.rest
	for _, o := range r.operands {
		switch {
		case o.field.Kind() == reflect.Slice:
			o.field.Set(reflect.ValueOf(rest))
			rest = nil
		case len(rest) > 0:
			o.field.SetString(rest[0])
			rest = rest[1:]
		case !has(o.tags, "optional"):
			return Usagef("%s is missing: usage: %s", strings.ToUpper(o.name), a.synopsis())
		}
	}
	if len(rest) > 0 {
		return Usagef("unexpected argument %q: usage: %s", rest[0], a.synopsis())
	}
	return nil
}

// assign sets field to the value of text. ok is false if kong has to read the value.
func assign(field reflect.Value, text string) (ok bool, err error) {
	if field.Kind() == reflect.Pointer {
		to := reflect.New(field.Type().Elem())
		ok, err = assign(to.Elem(), text)
		field.Set(to)
		return ok, err
	}
	switch to := field.Addr().Interface().(type) {
	case encoding.TextUnmarshaler:
		return true, to.UnmarshalText([]byte(text))
	case *string:
		*to = text
	case *[]string:
		*to = []string{text}
	case *int, *int64:
		n, err := strconv.ParseUint(text, 10, 31)
		field.SetInt(int64(n))
		return err == nil && strconv.FormatUint(n, 10) == text, nil
	default:
		return false, nil
	}
	return true, nil
}
