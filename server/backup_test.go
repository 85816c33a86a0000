package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBackupAndRestoreCommands: beside the running server, into an empty
// folder, and refused where a byte is wrong.
func TestBackupAndRestoreCommands(t *testing.T) {
	dir := t.TempDir()
	data, to, fresh := filepath.Join(dir, "data"), filepath.Join(dir, "backup"), filepath.Join(dir, "fresh")
	startServer(t, data, "-bootstrap.centre", "城东客服中心")
	var b backedUp
	must(t, json.Unmarshal([]byte(ok(t, "backup", "-data", data, "-to", to, "-json")), &b))
	if !b.Held || len(b.Streams) != 2 || b.Bytes == 0 {
		t.Errorf("backup: %+v", b)
	}
	if out := ok(t, "backup", "-data", data, "-to", to); !strings.Contains(out, "2 streams") {
		t.Errorf("backup says %q", out)
	}
	ok(t, "centre", "add", "-data", data, "-name", "城西客服中心")

	var r restoredData
	must(t, json.Unmarshal([]byte(ok(t, "restore", "-from", to, "-data", fresh, "-json")), &r))
	if r.History == r.Before || r.Before != b.History || len(r.Cuts) != 2 {
		t.Errorf("restore: %+v", r)
	}
	var v verdict
	must(t, json.Unmarshal([]byte(ok(t, "verify", "-data", fresh, "-json", "-rebuild")), &v))
	if !v.OK || v.Rows == 0 {
		t.Errorf("verify of what was restored: %+v", v)
	}
	if list := ok(t, "centre", "list", "-data", fresh); !strings.Contains(list, "城东") || strings.Contains(list, "城西") {
		t.Errorf("centres:\n%s", list)
	}
	for _, bad := range [][]string{
		{"restore", "-from", to, "-data", fresh},                                    // not empty
		{"restore", "-from", dir, "-data", filepath.Join(dir, "other")},             // no backup; and it lies around the folder
		{"restore", "-data", filepath.Join(dir, "other")},                           // no -from
		{"restore", "-from", to, "-data", filepath.Join(dir, "other"), "-ledger"},   // from where?
		{"backup", "-data", data},                                                   // no -to
		{"backup", "-data", data, "-to", filepath.Join(data, "backup")},             // in the data folder
		{"backup", "-data", filepath.Join(dir, "nothing"), "-to", dir + "/backup2"}, // no data
		{"backup", "-data", data, "-to", dir},                                       // holds other things
	} {
		if code, _, errs := run(t, bad...); code == 0 || errs == "" {
			t.Errorf("%q: exit %d %q", bad, code, errs)
		}
	}
	m, err := filepath.Glob(filepath.Join(to, "server-*.db"))
	if err != nil || len(m) != 1 {
		t.Fatalf("databases %v, %v", m, err)
	}
	f, err := os.OpenFile(m[0], os.O_RDWR, 0)
	must(t, err)
	_, err = f.WriteAt([]byte{0xff}, 5000)
	must(t, err)
	must(t, f.Close())
	if code, out, _ := run(t, "restore", "-from", to, "-data", filepath.Join(dir, "third")); code != 1 || !strings.Contains(out, "FAULT") || !strings.Contains(out, filepath.Base(m[0])) {
		t.Errorf("an altered backup: exit %d %q", code, out)
	}
}
