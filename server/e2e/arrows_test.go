package e2e_test

import (
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/imports.txt and testdata/modules.txt anew")

const module = "siteledger"

// root is the folder of go.mod, seen from this package.
func root(tb testing.TB) string {
	tb.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		tb.Fatal(err)
	}
	return dir
}

// pkg is what go list says of a package.
type pkg struct {
	ImportPath string
	Name       string
	Dir        string
	Doc        string
	Imports    []string
	DepOnly    bool
	Module     *struct{ Path string }
}

// list runs go list in the module.
func list(tb testing.TB, args ...string) []pkg {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), "go", append([]string{"list", "-json=ImportPath,Name,Dir,Doc,Imports,DepOnly,Module"}, args...)...)
	cmd.Dir, cmd.Stderr = root(tb), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("go list %v: %v", args, err)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			tb.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// own shortens a path of this module; false for any other.
func own(path string) (string, bool) { return strings.CutPrefix(path, module+"/") }

// under says whether a package is a folder or lies in it.
func under(pkg string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return pkg == f || strings.HasPrefix(pkg, f+"/") })
}

// both are the packages that may see both ends, and any room of the server:
// small mains and tests.
var both = []string{"server/demo", "server/drill", "server/e2e", "server/simulate", "server/bench"}

// arrows is the architecture as rules: packages under from may import of this
// module only what is under to. The first rule that fits counts.
var arrows = []struct {
	from []string
	to   []string
}{
	{both, []string{"server", "client-sdk", "syncproto", "migrations"}},
	{[]string{"syncproto"}, []string{"syncproto"}},
	{[]string{"client-sdk"}, []string{"client-sdk", "syncproto", "migrations/client"}},
	{[]string{"migrations"}, nil},
	{[]string{"server/fault"}, []string{"syncproto"}},
	{[]string{"server/conformance"}, []string{"syncproto"}}, // it judges any server and any phone: it may know neither
	{[]string{"server/reconcile"}, []string{"server/fault", "syncproto"}},
	{[]string{"server/ledger"}, []string{"server/fault", "server/reconcile", "syncproto"}},
	{[]string{"server/feed"}, []string{"server/fault", "server/ledger", "server/reconcile", "syncproto"}},
	{[]string{"server"}, []string{"server", "syncproto", "migrations/server"}},
}

// closed are packages that only some may import, besides those that may see
// both ends.
var closed = []struct {
	pkg string
	by  []string
}{
	{"server/store", []string{"server/app", "server/office/benchtest", "server/web/webtest"}}, // the last two serve tests alone
	{"server/app", nil},
	{"server/api", []string{"server/app"}},
	{"server/web", []string{"server/app"}},
	{"server/blob/embedded", []string{"server/app"}},
	{"client-sdk/phone", []string{"client-sdk/cmd", "client-sdk/mobile"}},
}

// TestArrows holds the arrows between the packages against the rules above and
// against the committed drawing.
func TestArrows(t *testing.T) {
	var drawing strings.Builder
	drawing.WriteString("# Which package of this module imports which; tests left out.\n# Written by: go test ./server/e2e -run Arrows -update\n")
	for _, p := range list(t, "./...") {
		name, ok := own(p.ImportPath)
		if !ok {
			continue
		}
		var to []string
		for _, i := range p.Imports {
			if i, ok := own(i); ok {
				to = append(to, i)
				checkArrow(t, name, i)
			}
		}
		slices.Sort(to)
		drawing.WriteString(strings.TrimRight(name+": "+strings.Join(to, " "), " ") + "\n")
	}
	compare(t, "imports.txt", drawing.String())
}

func checkArrow(t *testing.T, from, to string) {
	t.Helper()
	for _, a := range arrows {
		if under(from, a.from...) {
			if !under(to, a.to...) {
				t.Errorf("%s imports %s: packages under %v may only see %v", from, to, a.from, a.to)
			}
			break
		}
	}
	for _, c := range closed {
		// The server's main package, "server", puts everything together.
		if under(to, c.pkg) && !under(from, c.pkg) && from != "server" && !under(from, c.by...) && !under(from, both...) {
			t.Errorf("%s imports %s: only %v may", from, to, c.by)
		}
	}
	if under(to, both...) && !under(from, both...) {
		t.Errorf("%s imports %s: no product may contain it", from, to)
	}
}

// compare holds a text against a committed file, or writes it with -update.
func compare(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join(root(t), "testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) == got {
		return
	}
	old, now := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for _, l := range now {
		if !slices.Contains(old, l) {
			t.Errorf("testdata/%s lacks: %s", name, l)
		}
	}
	for _, l := range old {
		if !slices.Contains(now, l) {
			t.Errorf("testdata/%s has, but it is not so: %s", name, l)
		}
	}
	t.Logf("if it is meant: go test ./server/e2e -run '%s' -update", t.Name())
}

// programs are the binaries whose modules are listed.
var programs = []string{"server", "client-sdk/cmd/phone", "server/demo"}

// TestModules holds the third-party modules that each program contains, and
// those that the shared packages need, against the committed list: a new one
// needs a line in README.md, section dependencies.
func TestModules(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	out.WriteString("# Third-party modules that each program contains.\n# Written by: go test ./server/e2e -run Modules -update\n")
	for _, program := range append(slices.Clone(programs), "syncproto/...") {
		out.WriteString(program + ":\n")
		for _, m := range modules(t, program) {
			out.WriteString("\t" + m + "\n")
		}
	}
	compare(t, "modules.txt", out.String())
	for _, direct := range directModules(t) {
		if !strings.Contains(string(readme), direct) {
			t.Errorf("README.md gives no reason for the dependency %s", direct)
		}
	}
}

func modules(t *testing.T, program string) []string {
	var names []string
	for _, p := range list(t, "-deps", "./"+program) {
		if p.Module != nil && p.Module.Path != module {
			names = append(names, p.Module.Path)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// directModules are those that code of this module imports itself, tests
// included.
func directModules(t *testing.T) []string {
	direct := map[string]bool{}
	inModule := map[string]string{}
	for _, p := range list(t, "-deps", "-test", "./...") {
		if p.Module != nil && p.Module.Path != module {
			inModule[strings.Fields(p.ImportPath)[0]] = p.Module.Path
		}
	}
	for _, p := range list(t, "-test", "./...") {
		for _, i := range p.Imports {
			if m := inModule[strings.Fields(i)[0]]; m != "" {
				direct[m] = true
			}
		}
	}
	var names []string
	for m := range direct {
		names = append(names, m)
	}
	slices.Sort(names)
	return names
}

// The server's binary carries no phone code and the phone's no server code.
func TestProgramsAreApart(t *testing.T) {
	for program, other := range map[string]string{"server": "client-sdk", "client-sdk/cmd/phone": "server"} {
		for _, p := range list(t, "-deps", "./"+program) {
			if name, ok := own(p.ImportPath); ok && under(name, other) {
				t.Errorf("%s contains %s", program, name)
			}
		}
	}
}
