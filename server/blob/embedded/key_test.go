package embedded

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestKeysCanNotLeaveTheFolder(t *testing.T) {
	dir := t.TempDir()
	s := start(t, filepath.Join(dir, "blobs"))
	outside := filepath.Join(dir, "outside")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"../outside", "../../outside", "a/../../outside", "a/./b", "..%2foutside", "%2e%2e/outside", "%2e%2e%2foutside",
		"a//b", "/etc/passwd", "a/", "a\\b", "A/b", ".tmp/x", "../.tmp/x", "..", ".", "a%00b", "a\n", "照片", "a/b.", "con:", strings.Repeat("a", 600), strings.Repeat("a/", 20) + "a",
	} {
		path := "/" + testBucket + "/" + strings.NewReplacer("\\", "%5C", "\n", "%0A", "照片", "%E7%85%A7%E7%89%87").Replace(key)
		for _, method := range []string{"PUT", "GET", "DELETE"} {
			status, code, body := do(t, s.signedRequest(t, method, path, nil))
			if status < 400 || bytes.Contains(body, []byte("secret")) {
				t.Errorf("%s %q: %d %s", method, key, status, code)
			}
		}
	}
	if b, err := os.ReadFile(outside); err != nil || string(b) != "secret" {
		t.Fatalf("the file outside was touched: %q %v", b, err)
	}
	if f := s.files(t); len(f) > 0 {
		t.Fatalf("published %v", f)
	}
}

func TestSymbolicLinkInTheFolderIsNotFollowed(t *testing.T) {
	dir := t.TempDir()
	s := start(t, filepath.Join(dir, "blobs"))
	if err := os.WriteFile(filepath.Join(dir, "outside"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "outside"), filepath.Join(s.dir, testBucket, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, filepath.Join(s.dir, testBucket, "dir")); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"link", "dir/outside"} {
		if status, _, body := do(t, s.signedRequest(t, "GET", "/"+testBucket+"/"+key, nil)); status == 200 || bytes.Contains(body, []byte("secret")) {
			t.Errorf("GET %s: %d", key, status)
		}
	}
	if status, _, _ := do(t, s.signedRequest(t, "PUT", "/"+testBucket+"/dir/new", []byte("x"))); status == 200 {
		t.Error("a write went through a link")
	}
}

func TestHalfUnderstoodRequestsAreNotDone(t *testing.T) {
	s := start(t, t.TempDir())
	for _, tc := range []struct{ method, path string }{
		{"PUT", "/photos/c/x?tagging="}, {"PUT", "/photos/c/x?acl="}, {"DELETE", "/photos"}, {"POST", "/photos?delete="},
		{"GET", "/photos/c/x?versionId=1"}, {"GET", "/photos?versioning="}, {"GET", "/photos"}, {"PUT", "/photos/c/x?partNumber=1"}, {"PATCH", "/photos/c/x"},
	} {
		wantStatus(t, s.signedRequest(t, tc.method, tc.path, nil), 501, "NotImplemented")
	}
	wantStatus(t, s.signedRequest(t, "GET", "/other/c/x", nil), 404, "NoSuchBucket")
	if f := s.files(t); len(f) > 0 {
		t.Fatalf("published %v", f)
	}
}
