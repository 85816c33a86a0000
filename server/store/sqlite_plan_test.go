package store

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"siteledger/syncproto/schema"
)

// What a fold asks of a row's children, and whether a job is complete, leads to
// the few rows by an index, and does not pass over the centre's: sorting three
// rows is no reason to.
func TestFoldsFindByIndex(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "server.db")
	for range 2 { // the second start finds the statistics as they are
		s, err := Open(ctx, Config{Path: path, Synchronous: "OFF"})
		if err != nil {
			t.Fatal(err)
		}
		texts := map[string]string{"evidence": evidence, "instructions": feedInstructions, "roots": feedRoots, "left": feedLeft}
		for name, q := range s.tables {
			if p := q.t.ParentColumn; p != "" && q.t.Root == schema.RootJob {
				texts["find "+name] = q.find(p)
			}
		}
		if len(texts) < 15 {
			t.Fatalf("only %d statements", len(texts))
		}
		for name, text := range texts {
			for _, line := range planOf(t, s, text) {
				if strings.HasSuffix(line, "(centre=?)") && strings.HasPrefix(line, "SEARCH") || strings.HasPrefix(line, "SCAN state_") {
					t.Errorf("%s: %s", name, line)
				}
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func planOf(t *testing.T, s *Store, text string) (out []string) {
	t.Helper()
	err := s.View(context.Background(), func(tx *sql.Tx) error {
		args := make([]any, strings.Count(text, "$"))
		for n := range args {
			if !strings.Contains(text, "$"+string(rune('1'+n))) {
				args = args[:n]
				break
			}
		}
		rows, err := tx.Query("EXPLAIN QUERY PLAN "+text, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id, parent, unused int
			var line string
			if err := rows.Scan(&id, &parent, &unused, &line); err != nil {
				return err
			}
			out = append(out, line)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return out
}
