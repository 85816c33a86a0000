package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// testNames gives every test function of the repository.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	top := filepath.Join("..", "..")
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != top && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				names[f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestDocumentsNameTestsThatExist: a threat or a requirement that claims a
// test has it; a row without a test says that it is open.
func TestDocumentsNameTestsThatExist(t *testing.T) {
	known := testNames(t)
	name := regexp.MustCompile("`(Test[A-Za-z0-9_]+)`")
	for file, least := range map[string]int{"threats.md": 60, "requirements.md": 60} {
		text, err := os.ReadFile(filepath.Join("..", "docs", file))
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, m := range name.FindAllStringSubmatch(string(text), -1) {
			found++
			if !known[m[1]] {
				t.Errorf("%s names %s, which is no test", file, m[1])
			}
		}
		if found < least {
			t.Errorf("%s names only %d tests", file, found)
		}
	}
	rows, err := os.ReadFile(filepath.Join("..", "docs", "requirements.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(rows), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 6 || !regexp.MustCompile(`^ [A-Z]{2}-\d\d`).MatchString(cells[1]) {
			continue
		}
		state := strings.TrimSpace(cells[3])
		claims := strings.HasPrefix(state, "shown") || strings.HasPrefix(state, "part")
		if claims != name.MatchString(cells[4]) {
			t.Errorf("requirements.md: %s is %q with tests %q", cells[1], state, cells[4])
		}
	}
}

// TestDocumentsLinkToWhatIsThere: links between the documents lead somewhere.
func TestDocumentsLinkToWhatIsThere(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "docs", "*.md"))
	if err != nil || len(files) < 4 {
		t.Fatalf("%d documents, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", filepath.Base(file), m[1], err)
			}
		}
	}
}
