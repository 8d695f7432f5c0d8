package cli

import (
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// sketch is kong's model of grammar without kong's work: what the flags are
// called and where their values go, read from the tags of the fields. It is
// enough for the help and for plain command lines (see [quick]), and takes a
// tenth of the time. It is nil if a field has a tag that it knows nothing of:
// then kong has to say what it means.
func (a *App) sketch(grammar any) *kong.Application {
	s := sketcher{groups: make(map[string]*kong.Group, len(a.Groups))}
	for _, g := range a.Groups {
		s.groups[g.Key] = &kong.Group{Key: g.Key, Title: g.Title}
	}
	v := reflect.ValueOf(grammar).Elem()
	s.node.Flags = make([]*kong.Flag, 0, flagsAtOnce)
	if !s.fields(v) {
		return nil
	}
	s.node.Target = v
	return &kong.Application{Node: &s.node}
}

type sketcher struct {
	groups map[string]*kong.Group
	node   kong.Node
	blank  []drawn // made, and not drawn yet
}

// A drawn flag or operand: they are made many at once, which takes half the time.
type drawn struct {
	flag  kong.Flag
	value kong.Value
}

const flagsAtOnce = 80

func (s *sketcher) draw() (*kong.Flag, *kong.Value) {
	if len(s.blank) == 0 {
		s.blank = make([]drawn, flagsAtOnce)
	}
	d := &s.blank[0]
	s.blank = s.blank[1:]
	d.flag.Value = &d.value
	return &d.flag, &d.value
}

// The tags of most values are alike; kong.Tag is large.
var (
	plainTag   = &kong.Tag{Sep: ',', MapSep: ';'}
	counterTag = &kong.Tag{Sep: ',', MapSep: ';', Type: "counter"}
)

// fields adds the fields of a struct, those of embedded ones in their place.
func (s *sketcher) fields(v reflect.Value) bool {
	t := v.Type()
	for i := range t.NumField() {
		field, target := t.Field(i), v.Field(i)
		switch {
		case field.Anonymous:
			if field.Tag != "" || field.Type.Kind() != reflect.Struct || !s.fields(target) {
				return false
			}
		case target.CanSet():
			if !s.field(field, target) {
				return false
			}
		}
	}
	return true
}

// field adds a flag or an operand.
func (s *sketcher) field(field reflect.StructField, target reflect.Value) bool {
	flag, value := s.draw()
	value.Target, value.Tag = target, plainTag
	operand, optional := false, false
	ok := eachTag(string(field.Tag), func(key, text string) bool {
		switch key {
		case "name":
			value.Name = text
		case "help":
			value.Help, value.OrigHelp = text, text
		case "short":
			flag.Short, _ = utf8.DecodeRuneInString(text)
		case "placeholder":
			flag.PlaceHolder = text
		case "group":
			flag.Group = s.groups[text]
		case "enum":
			value.Enum = text
		case "default":
			value.Default, value.HasDefault = text, true
		case "type":
			value.Tag = &kong.Tag{Sep: ',', MapSep: ';', Type: text}
			if text == "counter" {
				value.Tag = counterTag
			}
		case "sep":
			value.Tag = &kong.Tag{Sep: -1, MapSep: ';'}
			return text == "none"
		case "filled": // an empty value is left to kong's reading
		case "hidden":
			flag.Hidden = true
		case "arg":
			operand = true
		case "optional":
			optional = true
		case "passthrough":
			value.Passthrough = true
			return text == "partial"
		default:
			return false
		}
		// Kong puts something else in the place of these (interpolate.go).
		return !strings.Contains(text, "${") && !strings.Contains(text, "$$")
	})
	if value.Name == "" {
		value.Name = hyphenated(field.Name)
	}
	if operand {
		value.Required, value.Position = !optional, len(s.node.Positional)
		s.node.Positional = append(s.node.Positional, value)
	} else {
		value.Flag = flag
		s.node.Flags = append(s.node.Flags, flag)
	}
	return ok
}

// eachTag calls f for each key and value of a field's tag until f returns
// false, and reports whether it never did.
func eachTag(tag string, f func(key, text string) bool) bool {
	for {
		tag = strings.TrimLeft(tag, " ")
		if tag == "" {
			return true
		}
		colon := strings.IndexByte(tag, ':')
		if colon < 0 {
			return false
		}
		text, rest, ok := unquoted(tag[colon+1:])
		if !ok || !f(tag[:colon], text) {
			return false
		}
		tag = rest
	}
}

// unquoted reads the quoted string that s begins with.
func unquoted(s string) (text, rest string, ok bool) {
	if s != "" && s[0] == '"' {
		text, rest, ok = strings.Cut(s[1:], `"`)
		if ok && strings.IndexByte(text, '\\') < 0 {
			return text, rest, true // as nearly all are
		}
	}
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", "", false
	}
	text, err = strconv.Unquote(quoted)
	return text, s[len(quoted):], err == nil
}

// hyphenated is the flag's name that kong makes of a field's: ConnectTimeout is
// connect-timeout, TLSALPN is tlsalpn and ProxyURL is proxy-url.
func hyphenated(name string) string {
	class := func(i int) int {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z':
			return 1
		case c >= 'A' && c <= 'Z':
			return 2
		}
		return 3
	}
	var b strings.Builder
	for i := range len(name) {
		if i > 0 {
			here, before := class(i), class(i-1)
			// The last capital of a row belongs to the word that follows.
			if here != before && (before != 2 || here != 1) || here == 2 && i+1 < len(name) && class(i+1) == 1 {
				b.WriteByte('-')
			}
		}
		b.WriteByte(name[i])
	}
	return strings.ToLower(b.String())
}
