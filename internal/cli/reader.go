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

// A flag is an option of a grammar, as the tags of its field, kong's, describe it.
type flag struct {
	name   string        // without hyphens
	letter string        // empty if it has none
	field  reflect.Value // where its value goes
	enum   string        // the values it may have, between commas; empty: any
	preset string        // its value if it is not given
	commas bool          // commas separate values
	filled bool          // its value must not be empty: a script's variable is not set
	count  bool          // it is counted, as in -vv
	given  bool
}

// takesValue reports whether f is followed by a value.
func (f *flag) takesValue() bool { return !f.count && f.field.Kind() != reflect.Bool }

// An operand is a field that takes one of the words that are no options, or, if
// it is a list, all that are left.
type operand struct {
	name     string
	field    reflect.Value
	optional bool
}

// A reader reads command lines into a grammar: a pointer to a struct of flags and
// operands.
type reader struct {
	flags    []flag
	operands []operand
	leading  bool // the first operand ends the options

	// The command line, taken apart.
	words []word
	rest  []string // what is no option
	wrong error    // about the first option that there is not, or that lacks its value
}

// A word is an option on a command line. Each letter of a bundle is one.
type word struct {
	*flag
	typed  string // "--timeout" or "-w"
	value  string
	valued bool // there is a value
}

// newReader lists the flags and operands of grammar. Kong needs as long for that
// as the rest of a short run takes.
func newReader(grammar any) *reader {
	r := &reader{flags: make([]flag, 0, 96)}
	r.fields(reflect.ValueOf(grammar).Elem())
	return r
}

// fields adds the fields of a struct, those of embedded ones in their place.
func (r *reader) fields(v reflect.Value) {
	t := v.Type()
	for i := range t.NumField() {
		field, target := t.Field(i), v.Field(i)
		tag := field.Tag.Get
		name := tag("name")
		if name == "" {
			name = hyphenated(field.Name)
		}
		switch {
		case field.Anonymous:
			r.fields(target)
		case !target.CanSet(): // the command's own
		case has(field, "arg"):
			r.operands = append(r.operands, operand{name, target, has(field, "optional")})
			r.leading = r.leading || has(field, "passthrough")
		default:
			r.flags = append(r.flags, flag{
				name: name, letter: tag("short"), field: target, enum: tag("enum"), preset: tag("default"),
				commas: tag("sep") != "none", filled: has(field, "filled"), count: tag("type") == "counter",
			})
		}
	}
}

func has(field reflect.StructField, key string) bool {
	_, ok := field.Tag.Lookup(key)
	return ok
}

// hyphenated is the flag's name that kong makes of a field's: ConnectTimeout is
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

// find is the flag of that name, or of that letter; nil if there is none.
func (r *reader) find(name, letter string) *flag {
	for i := range r.flags {
		if f := &r.flags[i]; f.name == name || f.letter == letter && letter != "" {
			return f
		}
	}
	return nil
}

// split takes args apart, as getopt(3) does: here and nowhere else it is decided
// what is an option, what is its value, and what is an operand.
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
			if r.leading {
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

// option adds w, which arg holds, to the line; if its value is the next of args,
// it takes that. It returns what is left of args.
func (a *App) option(r *reader, w word, arg string, args []string) []string {
	if w.flag != nil && w.takesValue() && !w.valued && len(args) > 0 && args[0] != "--" {
		w.value, w.valued, args = args[0], true, args[1:]
	}
	switch {
	case w.flag == nil:
		r.wrong = cmp.Or(r.wrong, a.unknownOption(r, w.typed, arg))
	case w.takesValue() && !w.valued:
		r.wrong = cmp.Or(r.wrong, Usagef("%s needs a value: type %s %s", w.typed, w.typed, a.placeholder(w.name)))
	case w.filled && w.value == "":
		r.wrong = cmp.Or(r.wrong, Usagef("the value of %s is empty", w.typed))
	default:
		r.words = append(r.words, w)
	}
	return args
}

// set reads the line into the grammar. Of what it leaves to kong it reports false,
// with the grammar as far as it came.
func (r *reader) set() (ok bool, err error) {
	for i := range r.flags {
		f := &r.flags[i]
		f.field.SetZero()
		if f.preset != "" {
			if ok, err := assign(f.field, f.preset); !ok || err != nil {
				return ok, err
			}
		}
	}
	for _, w := range r.words {
		switch {
		case w.count && !w.valued:
			w.field.SetInt(w.field.Int() + 1)
		case !w.takesValue() && !w.valued:
			w.field.SetBool(true)
		case w.given, !w.takesValue(), w.enum != "" && !slices.Contains(strings.Split(w.enum, ","), w.value),
			w.field.Kind() == reflect.Slice && w.commas && (w.value == "" || strings.ContainsAny(w.value, `,\`)):
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

// setOperands hands the operands out.
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
		case !o.optional:
			return Usagef("%s is missing: usage: %s", strings.ToUpper(o.name), a.synopsis())
		}
	}
	if len(rest) > 0 {
		return Usagef("unexpected argument %q: usage: %s", rest[0], a.synopsis())
	}
	return nil
}

// assign sets field to the value that text spells. It is not ok if kong has to
// say what that is.
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
