package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestVerifyBundleOfNothing gives the command what is no bundle.
func TestVerifyBundleOfNothing(t *testing.T) {
	dir := t.TempDir()
	junk := filepath.Join(dir, "junk.zip")
	must(t, os.WriteFile(junk, bytes.Repeat([]byte("PK\x03\x04"), 100), 0o600))
	for name, c := range map[string]struct {
		code int
		args []string
	}{
		"no file":         {2, []string{"verify-bundle"}},
		"two files":       {2, []string{"verify-bundle", junk, junk}},
		"no such file":    {1, []string{"verify-bundle", filepath.Join(dir, "none.zip")}},
		"junk":            {1, []string{"verify-bundle", junk}},
		"a bad key":       {2, []string{"verify-bundle", junk, "-key", "abc"}},
		"key without one": {1, []string{"key", "-data", dir}},
	} {
		if code, out, errs := run(t, c.args...); code != c.code {
			t.Errorf("%s: exit %d, want %d: %s%s", name, code, c.code, out, errs)
		}
	}
	_, out, _ := run(t, "verify-bundle", junk, "-json")
	var v struct {
		State    string
		Findings []struct{ At int64 }
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil || v.State != "broken" || len(v.Findings) != 1 {
		t.Errorf("%s: %v", out, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the commands left something: %v %v", entries, err)
	}
	if _, out, _ := run(t, "verify-bundle", junk); !strings.Contains(out, "BROKEN") || !strings.Contains(out, "不可信") {
		t.Errorf("said %q", out)
	}
}
