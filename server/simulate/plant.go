package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// plantedEnv names the bug that a simulator built by [plant] has.
const plantedEnv = "SITELEDGER_SIMULATE_PLANTED"

// plant writes source files in which each function that a planted bug changes
// stands as it is and once more for each such bug, behind a function that picks
// one by [plantedEnv], and the list of them that go build takes. So one binary
// has all bugs and plays one: building takes far longer than finding.
func plant(root, dir string, bugs []mutant) (list string, err error) {
	files := map[string]*plantedFile{}
	var order []string
	for _, m := range bugs {
		changed, err := m.apply(root)
		if err != nil {
			return "", err
		}
		for _, name := range sorted(changed) {
			f := files[name]
			if f == nil {
				if f, err = readPlanted(filepath.Join(root, filepath.FromSlash(name))); err != nil {
					return "", err
				}
				files[name] = f
				order = append(order, name)
			}
			if err := f.add(m.name, changed[name]); err != nil {
				return "", fmt.Errorf("%s in %s: %w", m.name, name, err)
			}
		}
	}
	replace := map[string]string{}
	for i, name := range order {
		f := files[name]
		at := filepath.Join(root, filepath.FromSlash(name))
		picks := "package " + f.pkg + "\n\nimport \"os\"\n\nvar plantedBug = os.Getenv(\"" + plantedEnv + "\")\n"
		for target, text := range map[string][]byte{at: f.text(), filepath.Join(filepath.Dir(at), "planted_bug.go"): []byte(picks)} {
			to := filepath.Join(dir, strconv.Itoa(i)+"-"+filepath.Base(target))
			if err := os.WriteFile(to, text, 0o600); err != nil {
				return "", err
			}
			replace[target] = to
		}
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	list = filepath.Join(dir, "overlay.json")
	return list, os.WriteFile(list, b, 0o600)
}

// apply gives the files that a bug changes, by their names from the root.
func (m mutant) apply(root string) (map[string][]byte, error) {
	changed := map[string][]byte{}
	for _, e := range m.edits {
		b, ok := changed[e.file]
		if !ok {
			var err error
			if b, err = os.ReadFile(filepath.Join(root, filepath.FromSlash(e.file))); err != nil {
				return nil, err
			}
		}
		if n := bytes.Count(b, []byte(e.before)); n != 1 || e.before == "" {
			return nil, fmt.Errorf("%s: its text stands %d times in %s, not once; write the mutant anew", m.name, n, e.file)
		}
		changed[e.file] = bytes.Replace(b, []byte(e.before), []byte(e.after), 1)
	}
	return changed, nil
}

// plantedFile is a source file with the functions that bugs change.
type plantedFile struct {
	pkg    string
	source []byte
	funcs  map[string]function
	rest   string // all but its functions
	bugs   map[string][]variant
}

// variant is a function as a bug has it.
type variant struct {
	bug string
	fn  function
}

// function is a function's text, cut where others are put together from it.
type function struct {
	at                      int    // of its name, in the file
	recv, name, params, out string // recv with brackets, params and out without
	args                    string // to call it with the parameters that it was called with
	body                    string
	self                    string // the receiver's name
}

func readPlanted(path string) (*plantedFile, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := &plantedFile{source: b, bugs: map[string][]variant{}}
	f.pkg, f.funcs, f.rest, err = functions(b)
	return f, err
}

// functions cuts a file into its functions, by receiver and name, and the rest.
func functions(source []byte) (pkg string, out map[string]function, rest string, err error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", source, parser.SkipObjectResolution)
	if err != nil {
		return "", nil, "", err
	}
	at := func(p token.Pos) int { return set.Position(p).Offset }
	cut := func(from, to token.Pos) string { return string(source[at(from):at(to)]) }
	out = map[string]function{}
	end := 0
	for _, d := range file.Decls {
		fd, ok := d.(*ast.FuncDecl)
		if !ok || fd.Body == nil || fd.Type.TypeParams != nil {
			continue
		}
		fn := function{at: at(fd.Name.Pos()), name: fd.Name.Name, body: cut(fd.Body.Pos(), fd.Body.End())}
		if fd.Recv != nil {
			fn.recv = cut(fd.Recv.Pos(), fd.Recv.End())
			if names := fd.Recv.List[0].Names; len(names) == 1 {
				fn.self = names[0].Name
			}
		}
		fn.params = cut(fd.Type.Params.Opening+1, fd.Type.Params.Closing)
		if fd.Type.Results != nil {
			fn.out = cut(fd.Type.Results.Pos(), fd.Type.Results.End())
		}
		var args []string
		for _, p := range fd.Type.Params.List {
			dots := ""
			if _, ok := p.Type.(*ast.Ellipsis); ok {
				dots = "..."
			}
			for _, n := range p.Names {
				args = append(args, n.Name+dots)
			}
			if len(p.Names) == 0 {
				args = append(args, "_")
			}
		}
		fn.args = strings.Join(args, ", ")
		out[fn.recv+fn.name] = fn
		rest, end = rest+string(source[end:at(fd.Pos())]), at(fd.End())
	}
	return file.Name.Name, out, rest + string(source[end:]), nil
}

// add takes a bug's version of the file.
func (f *plantedFile) add(bug string, source []byte) error {
	_, funcs, rest, err := functions(source)
	if err != nil {
		return err
	}
	if rest != f.rest || len(funcs) != len(f.funcs) {
		return errors.New("a planted bug changes the bodies of functions alone")
	}
	for _, key := range sorted(funcs) {
		was, is := f.funcs[key], funcs[key]
		was.at, is.at = 0, 0
		if was == is {
			continue
		}
		if was.body = is.body; was != is || slices.Contains(strings.Split(is.args, ", "), "_") || is.recv != "" && (is.self == "" || is.self == "_") {
			return fmt.Errorf("%s: a planted bug changes the bodies of functions alone, of those that name what they are called with", is.name)
		}
		f.bugs[key] = append(f.bugs[key], variant{bug, is})
	}
	return nil
}

// text is the file with all versions of its functions.
func (f *plantedFile) text() []byte {
	keys := sorted(f.bugs)
	slices.SortFunc(keys, func(a, b string) int { return f.funcs[b].at - f.funcs[a].at })
	out := string(f.source)
	for _, key := range keys { // the last first, so that the places before it stay
		fn := f.funcs[key]
		out = out[:fn.at] + fn.name + "AsIs" + out[fn.at+len(fn.name):]
	}
	for _, key := range keys {
		fn := f.funcs[key]
		self, ret, stop := "", "return ", ""
		if fn.recv != "" {
			self = fn.self + "."
		}
		if fn.out == "" {
			ret, stop = "", "\n\t\treturn"
		}
		pick := ""
		for i, p := range f.bugs[key] {
			name := fmt.Sprintf("%sPlanted%d", fn.name, i)
			out += fmt.Sprintf("\nfunc %s %s(%s) %s %s\n", p.fn.recv, name, p.fn.params, p.fn.out, p.fn.body)
			pick += fmt.Sprintf("\tcase %q:\n\t\t%s%s%s(%s)%s\n", p.bug, ret, self, name, fn.args, stop)
		}
		out += fmt.Sprintf("\nfunc %s %s(%s) %s {\n\tswitch plantedBug {\n%s\t}\n\t%s%sAsIs(%s)\n}\n", fn.recv, fn.name, fn.params, fn.out, pick, ret, self+fn.name, fn.args)
	}
	return []byte(out)
}
