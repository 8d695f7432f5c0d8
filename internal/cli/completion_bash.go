package cli

import (
	"fmt"
	"strings"
)

// bashCompletion is a script for bash 3.2 and later that needs no
// bash-completion package. Bash splits --log=json at the equals sign: the word
// before it is looked for there.
func bashCompletion(name string, words []option) string {
	var all, cases strings.Builder
	for _, o := range words {
		all.WriteString(" " + strings.Join(o.names(), " "))
		if o.value == "" {
			continue
		}
		fmt.Fprintf(&cases, "    %s) %s; return ;;\n", strings.Join(o.names(), "|"), bashValue(o))
	}
	function := "_" + identifier(name)
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
`, name, function, cases.String(), strings.TrimSpace(all.String()))
}

// bashValue is the command that fills COMPREPLY with values of o. Where the
// shell's own completion of files is right, nothing is filled in.
func bashValue(o option) string {
	switch o.kind {
	case oneOf:
		return fmt.Sprintf(`COMPREPLY=($(compgen -W '%s' -- "$cur"))`, strings.Join(o.choices, " "))
	case host:
		return `COMPREPLY=($(compgen -A hostname -- "$cur"))`
	case command:
		return `COMPREPLY=($(compgen -c -- "$cur"))`
	case file:
		return ":"
	}
	return "compopt +o default +o bashdefault 2>/dev/null"
}

// identifier turns a command's name into what a shell takes in a function's.
func identifier(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, name)
}
