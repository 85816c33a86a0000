package mutate_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siteledger/syncproto/mutate"
)

// TestRepeatable: a failure must be playable again.
func TestRepeatable(t *testing.T) {
	corpus := [][]byte{[]byte("one of the corpus"), []byte(`{"another":[1,2,3]}`)}
	a, b, other := mutate.New(7, corpus), mutate.New(7, corpus), mutate.New(8, corpus)
	same := 0
	for range 500 {
		x := a.Next()
		if !bytes.Equal(x, b.Next()) {
			t.Fatal("the same seed gives other bytes")
		}
		if bytes.Equal(x, other.Next()) {
			same++
		}
	}
	if same > 50 {
		t.Errorf("%d of 500 are the same for another seed", same)
	}
	if string(corpus[0]) != "one of the corpus" {
		t.Error("the corpus itself was damaged")
	}
}

// TestRun executes the kept corpus first, and counts into the log.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.MkdirAll(filepath.Join("testdata", "fuzz", "FuzzIt"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("testdata", "fuzz", "FuzzIt", "a"), []byte("go test fuzz v1\n[]byte(\"kept\\x00\")\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "log")
	t.Setenv(mutate.LogVariable, log)
	var seen []string
	mutate.Run(t, "FuzzIt", 100, [][]byte{[]byte("seed")}, func(_ testing.TB, b []byte) bool {
		seen = append(seen, string(b))
		return len(b) > 3
	})
	if len(seen) != mutate.Scale(100) || seen[0] != "seed" || seen[1] != "kept\x00" {
		t.Errorf("%d runs, first %q", len(seen), seen[:2])
	}
	b, err := os.ReadFile(log)
	if err != nil || !strings.HasPrefix(string(b), "FuzzIt ") {
		t.Errorf("log %q, %v", b, err)
	}
}
