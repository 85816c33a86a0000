package cutfs_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"siteledger/server/drill/cutfs"
)

// mounted gives a disk under a folder, or ends the test as the environment
// allows it.
func mounted(t *testing.T, d *cutfs.Disk) string {
	t.Helper()
	m, err := d.Mount(filepath.Join(t.TempDir(), "disk"))
	if err != nil {
		t.Fatalf("%v\nSITELEDGER_NO_FUSE=1 leaves the power cuts out", err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m.Dir
}

func noFUSE(t *testing.T) bool {
	t.Helper()
	if os.Getenv("SITELEDGER_NO_FUSE") == "1" {
		t.Log("left out: SITELEDGER_NO_FUSE=1")
		return true
	}
	return false
}

func write(t *testing.T, path, text string, sync bool) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if sync {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

func syncDir(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestCutKeepsWhatWasSynced cuts many times: what was synced is always there,
// what was not is lost at least once, kept at least once and torn at least
// once.
func TestCutKeepsWhatWasSynced(t *testing.T) {
	if noFUSE(t) {
		return
	}
	d := cutfs.New()
	dir := mounted(t, d)
	long := string(bytes.Repeat([]byte("a"), 4096))
	write(t, filepath.Join(dir, "sure"), long, true)
	write(t, filepath.Join(dir, "moved"), "moved", true)
	syncDir(t, dir)
	write(t, filepath.Join(dir, "sure"), string(bytes.Repeat([]byte("b"), 4096)), false) // over synced bytes
	write(t, filepath.Join(dir, "nameless"), "x", true)                                  // synced, its folder not
	if err := os.Rename(filepath.Join(dir, "moved"), filepath.Join(dir, "away")); err != nil {
		t.Fatal(err)
	}
	var lost, kept, torn, named, unnamed, oldName, newName int
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		out := filepath.Join(t.TempDir(), "out")
		if err := d.Cut(r).Dump(out); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(out, "sure"))
		if err != nil || len(b) != 4096 {
			t.Fatalf("a synced file: %d bytes, %v", len(b), err)
		}
		switch n := bytes.Count(b, []byte("b")); {
		case n == 0:
			lost++
		case n == 4096:
			kept++
		case n%512 == 0:
			torn++
		default:
			t.Fatalf("%d bytes changed: no whole sectors", n)
		}
		count := func(name string, yes, no *int) bool {
			_, err := os.Stat(filepath.Join(out, name))
			if err == nil {
				*yes++
			} else {
				*no++
			}
			return err == nil
		}
		count("nameless", &named, &unnamed)
		if count("moved", &oldName, &newName) == count("away", new(int), new(int)) {
			t.Fatal("a rename was cut in two")
		}
	}
	for name, n := range map[string]int{"lost": lost, "kept": kept, "torn": torn, "named": named, "unnamed": unnamed, "old name": oldName, "new name": newName} {
		if n == 0 {
			t.Errorf("%s never happened", name)
		}
	}
	if _, err := os.ReadFile(filepath.Join(dir, "other")); err == nil {
		t.Error("a dead disk answers")
	}
}

func TestFaultsStrikeWhereArmed(t *testing.T) {
	if noFUSE(t) {
		return
	}
	d := cutfs.New()
	dir := mounted(t, d)
	f := &cutfs.Fault{At: 2, Errno: syscall.EIO}
	d.Fail(f)
	path := filepath.Join(dir, "a")
	write(t, path+"0", "", false) // the first change
	if err := os.WriteFile(path, nil, 0o600); !errors.Is(err, syscall.EIO) {
		t.Errorf("second change: %v", err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil || d.Hits(f) != 1 {
		t.Errorf("behind it: %v, %d hits", err, d.Hits(f))
	}
	d.Fail(nil)
	d.Limit(10)
	if err := os.WriteFile(path, bytes.Repeat([]byte("x"), 100), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("full disk: %v", err)
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil || int64(st.Bavail)*st.Frsize > 10 {
		t.Errorf("free: %d, %v", st.Bavail, err)
	}
	d.Limit(-1)
	if err := os.WriteFile(path, bytes.Repeat([]byte("x"), 100), 0o600); err != nil {
		t.Errorf("room again: %v", err)
	}
}
