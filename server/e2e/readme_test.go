package e2e_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"siteledger/server/config"
)

func readme(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The README's table of settings is the program's own.
func TestReadmeSettings(t *testing.T) {
	text := readme(t)
	for _, line := range strings.Split(strings.TrimSpace(config.Describe()), "\n") {
		if !strings.Contains(text, line) {
			t.Errorf("README.md lacks: %s", line)
		}
	}
}

// The README's tree names every package, and nothing that is not there.
func TestReadmeTree(t *testing.T) {
	text := readme(t)
	for _, p := range list(t, "./...") {
		if name, ok := own(p.ImportPath); ok && !strings.Contains(text, path.Base(name)+"/") {
			t.Errorf("README.md does not name %s", name)
		}
	}
	for _, link := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join(root(t), link[1])); err != nil {
			t.Errorf("README.md links to %s: %v", link[1], err)
		}
	}
}

// Pictures stay small.
func TestPictures(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root(t), "server", "docs", "pictures", "*"))
	if err != nil || len(files) != 4 {
		t.Fatalf("%d pictures, %v", len(files), err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Size() > mostPicture {
			t.Errorf("%s: %d bytes, %v", filepath.Base(f), info.Size(), err)
		}
	}
}
