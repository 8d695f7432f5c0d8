package cli

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// An option is a flag with what --help has on it.
type option struct {
	*flag
	placeholder, help string
	choices           string // its values, separated by blanks; empty is any
}

// complete prints the completion script for shell, made from the grammar and from
// --help. Values that are no choices are completed as files.
func (a *App) complete(r *reader, shell string) error {
	// An operand names a peer, a host or the file of a Unix socket, or else a file.
	hosts := slices.ContainsFunc(r.operands, func(o flag) bool { return o.name == "dest" || o.name == "endpoint" })
	switch shell {
	case "bash":
		return print(bashCompletion(a.called(), a.options(r)))
	case "zsh":
		return print(zshCompletion(a.called(), a.options(r), hosts))
	case "fish":
		return print(fishCompletion(a.called(), a.options(r), hosts))
	}
	return Usagef("no completion script for %q: type --completion bash, zsh or fish", shell)
}

// options lists the options that --help describes. The choices of an option are those of
// its enum, or of a placeholder that lists them ("raw|hex").
func (a *App) options(r *reader) []option {
	var list []option
	for _, f := range r.flags {
		placeholder, words := a.described(f.name)
		if words == "" {
			continue
		}
		choices := f.tags.Get("enum")
		if choices == "" && placeholder == strings.ToLower(placeholder) {
			choices = placeholder
		}
		choices = strings.TrimSpace(strings.NewReplacer(",", " ", "|", " ").Replace(choices))
		list = append(list, option{&f, placeholder, a.renamed(words), choices})
	}
	return list
}

// names returns the spellings of o, the short one first.
func (o option) names() []string {
	if o.letter == "" {
		return []string{"--" + o.name}
	}
	return []string{"-" + o.letter, "--" + o.name}
}

// bashCompletion returns a script for bash 3.2 and later that needs no
// bash-completion package. Bash splits --log=json at the equals sign: the script
// looks for the option before it.
func bashCompletion(name string, options []option) string {
	var names, cases strings.Builder
	for _, o := range options {
		names.WriteString(" " + strings.Join(o.names(), " "))
		if o.choices != "" {
			fmt.Fprintf(&cases, "    %s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", strings.Join(o.names(), "|"), o.choices)
		}
	}
	return fmt.Sprintf(`# bash completion for %[1]s: eval "$(%[1]s --completion bash)"
%[2]s() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} i
    COMPREPLY=()
    if [[ $cur == "=" ]]; then
        cur=
    elif [[ $prev == "=" ]] && ((COMP_CWORD > 1)); then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == "--" ]] && return
    done
    case $prev in
%[3]s    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W '%[4]s' -- "$cur"))
    fi
}
complete -o bashdefault -o default -F %[2]s %[1]s
`, name, functionName(name), cases.String(), strings.TrimSpace(names.String()))
}

// zshCompletion returns a script for zsh's _arguments. It can be sourced, or be a
// file _NAME in $fpath.
func zshCompletion(name string, options []option, hosts bool) string {
	var specs strings.Builder
	for _, o := range options {
		specs.WriteString("        " + zshOption(o) + " \\\n")
	}
	operands := "_files"
	if hosts {
		operands = "_alternative 'hosts:host:_hosts' 'files:file:_files'"
	}
	return fmt.Sprintf(`#compdef %[1]s
# zsh completion for %[1]s: source <(%[1]s --completion zsh), after compinit
%[2]s_operands() { %[4]s }
%[2]s() {
    _arguments -s -S : \
%[3]s        '*: :%[2]s_operands'
}
if [ "${funcstack[1]}" = "%[2]s" ]; then
    %[2]s "$@"
else
    compdef %[2]s %[1]s
fi
`, name, functionName(name), specs.String(), operands)
}

// zshOption returns the spec of one option: '(-w --timeout)'{-w+,--timeout=}'[help]:D:_files'.
func zshOption(o option) string {
	quote := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `:`, `\:`, `'`, `'\''`).Replace
	help := "[" + quote(o.help) + "]"
	short, long := "-"+o.letter, "--"+o.name
	if o.takesValue() {
		values := "_files"
		if o.choices != "" {
			values = "(" + o.choices + ")"
		}
		help += ":" + quote(o.placeholder) + ":" + values
		short, long = short+"+", long+"="
	}
	exclude := "(" + strings.Join(o.names(), " ") + ")"
	if o.counts() || o.field.Kind() == reflect.Slice {
		exclude = "*"
	}
	if o.letter == "" {
		return fmt.Sprintf("'%s%s%s'", exclude, long, help)
	}
	return fmt.Sprintf("'%s'{%s,%s}'%s'", exclude, short, long, help)
}

// fishCompletion returns a script of complete(1) commands for fish.
func fishCompletion(name string, options []option, hosts bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# fish completion for %[1]s: %[1]s --completion fish | source\ncomplete -c %[1]s -e\n", name)
	if hosts {
		fmt.Fprintf(&b, "complete -c %s -a '(__fish_print_hostnames)'\n", name)
	}
	for _, o := range options {
		fmt.Fprintf(&b, "complete -c %s -l %s", name, o.name)
		if o.letter != "" {
			fmt.Fprintf(&b, " -s %s", fishQuote(o.letter))
		}
		if o.choices != "" {
			fmt.Fprintf(&b, " -x -a %s", fishQuote(o.choices))
		} else if o.takesValue() {
			b.WriteString(" -r -F")
		}
		fmt.Fprintf(&b, " -d %s\n", fishQuote(o.help))
	}
	return b.String()
}

func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// functionName returns the name of a command's completion function.
func functionName(command string) string {
	return "_" + regexp.MustCompile(`[^a-zA-Z0-9]`).ReplaceAllLiteralString(command, "_")
}
