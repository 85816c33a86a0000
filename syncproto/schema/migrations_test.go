package schema_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"siteledger/syncproto/schema"
)

var (
	createTable = regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\n\) STRICT`)
	addColumn   = regexp.MustCompile(`(?m)^ALTER TABLE (\w+) ADD COLUMN "(\w+)" (\w+)`)
	quoted      = regexp.MustCompile(`(?m)^\t"(\w+)" (\w+)`)
)

// sqlTypes is the type of a column in SQLite.
var sqlTypes = map[schema.Type]string{
	schema.Bool: "INTEGER", schema.Int: "INTEGER", schema.Float: "REAL", schema.Text: "TEXT", schema.Bytes: "BLOB",
	schema.UUID: "BLOB", schema.Time: "INTEGER", schema.Money: "INTEGER", schema.Blob: "BLOB",
}

// tables reads the quoted columns of each table with a prefix from all
// migrations of a folder, in their order.
func tables(t *testing.T, folder, prefix string) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.sql"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations in %s: %v", folder, err)
	}
	out := map[string][]string{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range createTable.FindAllStringSubmatch(string(b), -1) {
			name, ok := strings.CutPrefix(m[1], prefix)
			if !ok {
				continue
			}
			for _, c := range quoted.FindAllStringSubmatch(m[2], -1) {
				out[name] = append(out[name], c[1]+" "+c[2])
			}
		}
		for _, m := range addColumn.FindAllStringSubmatch(string(b), -1) {
			if name, ok := strings.CutPrefix(m[1], prefix); ok {
				out[name] = append(out[name], m[2]+" "+m[3])
			}
		}
	}
	return out
}

func columns(tb *schema.Table) []string {
	var out []string
	for _, c := range tb.Columns {
		out = append(out, c.Name+" "+sqlTypes[c.Type])
	}
	return out
}

func TestServerStateTablesMatchTheSchema(t *testing.T) {
	got := tables(t, "../../migrations/server/sqlite", "state_")
	d := schema.MustCurrent()
	for _, tb := range d.Tables {
		if !slices.Equal(got[tb.Name], columns(tb)) {
			t.Errorf("state_%s has\n%v\nwant\n%v", tb.Name, got[tb.Name], columns(tb))
		}
		delete(got, tb.Name)
	}
	for name := range got {
		t.Errorf("state_%s is not in the schema", name)
	}
}

// A phone has a table for everything that can reach it or be written there.
func TestPhoneTablesMatchTheSchema(t *testing.T) {
	got := tables(t, "../../migrations/client", "app_")
	for _, tb := range schema.MustCurrent().Tables {
		cols, there := got[tb.Name]
		if want := tb.Root != schema.RootOffice; there != want {
			t.Errorf("app_%s: there %v, want %v", tb.Name, there, want)
		}
		if there && !slices.Equal(cols, columns(tb)) {
			t.Errorf("app_%s has\n%v\nwant\n%v", tb.Name, cols, columns(tb))
		}
		delete(got, tb.Name)
	}
	for name := range got {
		t.Errorf("app_%s is not in the schema", name)
	}
}
