package e2e_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mostLines is the length that no source file may pass.
const mostLines = 800

// drawers are package names that say nothing about what is inside.
var drawers = []string{"util", "utils", "common", "helpers", "helper", "types", "manager", "misc", "shared", "base"}

// marks are words that promise what is not there.
var marks = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX)\b|\bt\.Ski` + `p(f|Now)?\(`)

// TestSource walks every Go file: no init, no file over 800 lines, no open
// marks, no skipped tests, no drawer as a package.
func TestSource(t *testing.T) {
	fset := token.NewFileSet()
	err := filepath.WalkDir(root(t), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root(t) && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root(t), path)
		if n := bytes.Count(text, []byte("\n")); n > mostLines {
			t.Errorf("%s has %d lines; split it by nouns", rel, n)
		}
		if m := marks.Find(text); m != nil {
			t.Errorf("%s says %q", rel, m)
		}
		file, err := parser.ParseFile(fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		checkFile(t, rel, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkFile(t *testing.T, path string, file *ast.File) {
	if slices.Contains(drawers, strings.TrimSuffix(file.Name.Name, "_test")) {
		t.Errorf("%s: package %s says nothing about what is in it", path, file.Name.Name)
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			t.Errorf("%s has an init function", path)
		}
	}
}

// TestPackageDocs: every package says what it is for.
func TestPackageDocs(t *testing.T) {
	for _, p := range list(t, "./...") {
		if len(strings.Fields(p.Doc)) < 4 {
			t.Errorf("%s has no package comment that says something", p.ImportPath)
		}
	}
}
