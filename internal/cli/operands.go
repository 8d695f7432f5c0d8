package cli

import (
	"strings"

	"github.com/alecthomas/kong"
)

// operandsLast puts the operands of a command line behind its flags, as getopt(3)
// does: kong takes none that stand behind a flag that stands behind another one.
// Where the first operand ends the flags (gpack), args are left as they are.
func operandsLast(model *kong.Application, args []string) []string {
	if len(model.Positional) == 0 || model.Positional[0].Passthrough {
		return args
	}
	var flags, operands []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		var f *kong.Flag
		switch {
		case arg == "--":
			return append(append(flags, "--"), append(operands, args[i+1:]...)...)
		case len(arg) < 2 || arg[0] != '-':
			operands = append(operands, arg)
			continue
		case !strings.HasPrefix(arg, "--"):
			f = lastOfBundle(model, arg[1:])
		case !strings.Contains(arg, "="):
			f = long(model, arg[2:])
		}
		flags = append(flags, arg)
		if f != nil && takesValue(f) && i+1 < len(args) {
			i++
			flags = append(flags, args[i])
		}
	}
	return append(flags, operands...)
}
