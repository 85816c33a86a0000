package syncproto_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// PROTOCOL.md names everything that can be seen on the wire: whoever adds a
// code, a path, an instruction or a column type writes it down there too.
func TestProtocolTextIsComplete(t *testing.T) {
	b, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for n, title := range []string{"Promises", "Names", "A change", "Push", "What the server does with a change", "Pull", "Blobs", "Enrolment, sessions and states", "Schema", "Exactly"} {
		if !strings.Contains(text, fmt.Sprintf("\n## %d. %s\n", n+1, title)) {
			t.Errorf("section %d, %s, is missing", n+1, title)
		}
	}
	for n := 1; n <= 12; n++ {
		if !strings.Contains(text, fmt.Sprintf("\n- **P%d ", n)) {
			t.Errorf("promise P%d is missing", n)
		}
	}
	for _, file := range []string{"codes.go", "doc.go", "messages.go", "page.go"} {
		for _, c := range constants(t, file) {
			if !strings.Contains(text, c) {
				t.Errorf("%s of %s is not in the text", c, file)
			}
		}
	}
	d := schema.MustCurrent()
	for _, r := range d.Roles {
		if !strings.Contains(text, string(r)) {
			t.Errorf("role %s is not in the text", r)
		}
	}
	for _, c := range []string{"`fact`", "`latest`", "`office`", "`site`", "`state`", "`review`", "bool, int, float, text, bytes, uuid, time, money, blob"} {
		if !strings.Contains(text, c) {
			t.Errorf("%s is not in the text", c)
		}
	}
	if l := syncproto.DefaultLimits(); l.MaxChangeBytes != 64<<10 || l.MaxBatchChanges != 1000 || l.MaxBatchBytes != 4<<20 || l.MaxTxnBytes != 1<<20 || l.MaxPageRows != 1000 || l.MaxPreviewBytes != 32<<10 || l.MaxPhotoBytes != 50<<20 {
		t.Errorf("the text gives other limits than %+v", l)
	}
}

// constants reads the values of a file's string constants.
func constants(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, decl := range f.Decls {
		g, ok := decl.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, spec := range g.Specs {
			for _, v := range spec.(*ast.ValueSpec).Values {
				lit, ok := v.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					continue
				}
				s, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, s)
			}
		}
	}
	return out
}
