package script

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// timesOfDay says where a time of day is wanted, and what is done with it there.
// Everywhere else time is measured, by the monotonic clock: a time.Time
// that comes from time.Now and has gone through none of these has its reading
// (monotonic, see package time).
var timesOfDay = map[string][]string{
	"cmd/gecho/replay.go: a dump's time lines":  {"Parse"},
	"internal/cli/log.go: a log line":           {"Time.UTC"},
	"internal/tlsconn/verify.go: outOfDate":     {"Time.UTC"},
	"internal/tlsconn/certificate.go: validity": {"Time.UTC"},
	"internal/echo/services.go: RFC 868":        {"Time.Unix"},
	"internal/echo/template.go: {time}":         {"Time.UTC"},
	"internal/pack/address.go: a value":         {"Unix", "Time.UTC", "Parse", "Time.Unix"},
}

// dayClock are the functions and methods of package time that make a time of day,
// or take the reading away.
var dayClock = []string{
	"Unix", "UnixMilli", "UnixMicro", "Date", "Parse", "ParseInLocation",
	"Time.Unix", "Time.UnixNano", "Time.UnixMilli", "Time.UnixMicro", "Time.Round", "Time.Truncate",
	"Time.AddDate", "Time.UTC", "Time.Local", "Time.In",
}

// No limit and no duration is measured by a clock that can be set.
func TestClocksAreMonotonic(t *testing.T) {
	check := newChecker(t)
	allowed := make(map[string][]string)
	for place, names := range timesOfDay {
		file, _, _ := strings.Cut(place, ":")
		allowed[file] = names
	}
	seen := make(map[string]bool)
	for room := range rooms {
		for _, use := range check.uses(t, room) {
			if !slices.Contains(allowed[use.file], use.name) {
				t.Errorf("%s:%d: %s is a time of day", use.file, use.line, use.name)
			}
			seen[use.file+" "+use.name] = true
		}
	}
	for file, names := range allowed {
		for _, name := range names {
			if !seen[file+" "+name] {
				t.Errorf("%s uses %s no more", file, name)
			}
		}
	}
}

// A use is of something in dayClock.
type use struct {
	file string // as a path in the repository
	line int
	name string
}

// A checker knows the types of what it reads.
type checker struct {
	files *token.FileSet
	types types.Config
}

func newChecker(t *testing.T) *checker {
	t.Helper()
	exports := make(map[string]string)
	for _, line := range goList(t, "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}", "gcat/cmd/...", "gcat/internal/...") {
		path, file, _ := strings.Cut(line, "=")
		exports[path] = file
	}
	c := &checker{files: token.NewFileSet()}
	c.types.Importer = importer.ForCompiler(c.files, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no package %q", path)
		}
		return os.Open(exports[path])
	})
	return c
}

// uses are those in the room's files, but for time.Unix(1, 0): as a deadline that
// is the past, which wakes a waiting call.
func (c *checker) uses(t *testing.T, room string) (uses []use) {
	t.Helper()
	dir := goList(t, "-f", "{{.Dir}}", room)[0]
	var parsed []*ast.File
	for _, name := range goList(t, "-f", `{{join .GoFiles " "}}`, room) {
		f, err := parser.ParseFile(c.files, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object)}
	if _, err := c.types.Check(room, c.files, parsed, info); err != nil {
		t.Fatal(err)
	}
	past := make(map[*ast.Ident]bool)
	for _, f := range parsed {
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && types.ExprString(call) == "time.Unix(1, 0)" {
				past[call.Fun.(*ast.SelectorExpr).Sel] = true
			}
			return true
		})
	}
	for ident, object := range info.Uses {
		f, ok := object.(*types.Func)
		if !ok || f.Pkg() == nil || f.Pkg().Path() != "time" || past[ident] {
			continue
		}
		name := f.Name()
		if r := f.Signature().Recv(); r != nil {
			name = types.TypeString(r.Type(), func(*types.Package) string { return "" }) + "." + name
		}
		if slices.Contains(dayClock, name) {
			at := c.files.Position(ident.Pos())
			uses = append(uses, use{strings.TrimPrefix(room, "gcat/") + "/" + filepath.Base(at.Filename), at.Line, name})
		}
	}
	return uses
}
