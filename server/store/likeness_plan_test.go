package store

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// What a new photo is compared with, and what a page says of a job's photos,
// leads to the few rows by an index: it does not hang on how many photos there
// are, in the centre or in all.
func TestLookingFindsByIndex(t *testing.T) {
	s, err := Open(context.Background(), Config{Path: filepath.Join(t.TempDir(), "server.db"), Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for name, text := range map[string]string{
		"same": twinsSame, "abroad": twinsAbroad, "alike": twinsAlike, "looks": photoLooks, "spans": photoSpans, "steps": stepSpans,
		"unseen": looksUnseen, "roles": lookRoles, "same job": lookSameJob, "sketch": lookSketch, "preview": lookPreview, "likely": fmt.Sprintf(looksLikely, "($1, $2, $3)", likelyRows),
	} {
		for _, line := range planOf(t, s, text) {
			if line == "SCAN CONSTANT ROW" || strings.HasPrefix(line, "SEARCH c ") { // c: the one row with a centre's own name
				continue
			}
			if strings.HasPrefix(line, "SCAN") || strings.HasPrefix(line, "SEARCH") && strings.HasSuffix(line, "(centre=?)") {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
}
