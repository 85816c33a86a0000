package app_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/app"
	"siteledger/server/archive"
	"siteledger/server/blob"
	"siteledger/server/config"
	"siteledger/server/ledger"
	"siteledger/server/store"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// house is a server's folder with some rows and a photo, and a backup of it.
type house struct {
	testing.TB
	core   *app.Core
	centre uuid.UUID
	photo  string // key of the one photo
	to     string
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func folder(dir string) config.Config {
	cfg := config.Default()
	cfg.Data, cfg.Bootstrap.Centre = dir, "城东客服中心"
	return cfg
}

func newHouse(tb testing.TB) *house {
	tb.Helper()
	core, err := app.OpenCore(tb.Context(), folder(filepath.Join(tb.TempDir(), "data")), quiet())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { core.Close() })
	if _, err := core.Bootstrap(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	h := &house{TB: tb, core: core, to: filepath.Join(tb.TempDir(), "backup")}
	streams, err := core.Store.Streams(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	h.centre = streams[1].ID
	h.write("community", map[string]any{"name": "翠湖"})
	h.photo = h.stored([]byte("a picture"))
	return h
}

func (h *house) write(table string, cols map[string]any) {
	h.Helper()
	if _, err := h.core.Ledger.Write(context.Background(), h.centre, ledger.Author{Role: schema.Server},
		[]ledger.Edit{{Table: table, Row: uuid.Must(uuid.NewV7()), Op: changelog.Insert, Cols: cols}}); err != nil {
		h.Error(err)
	}
}

// stored puts a photo into the storage's folder and says so in the ledger.
func (h *house) stored(b []byte) string {
	h.Helper()
	sha, device := sha256.Sum256(b), uuid.New()
	key := blob.ObjectKey(h.centre, sha, device)
	path := h.object(h.core.Config.Data, key)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, b, 0o600)); err != nil {
		h.Fatal(err)
	}
	h.write("stored_blob", map[string]any{"sha256": sha[:], "size": int64(len(b)), "type": "image/jpeg", "purpose": "photo", "device": device[:], "at": int64(1)})
	return key
}

func (h *house) object(data, key string) string {
	return filepath.Join(data, "blobs", h.core.Config.S3.Bucket, filepath.FromSlash(key))
}

func (h *house) backup() archive.Backed {
	h.Helper()
	b, err := h.core.Backup(h.Context(), h.to, "test", nil)
	if err != nil {
		h.Fatal(err)
	}
	return b
}

func (h *house) restore(opt app.RestoreOptions) (config.Config, app.Restored, error) {
	cfg := folder(filepath.Join(h.TempDir(), "restored"))
	opt.From = h.to
	r, err := app.Restore(h.Context(), cfg, opt, quiet(), time.Now)
	return cfg, r, err
}

func (h *house) manifest() archive.Manifest {
	h.Helper()
	m, err := archive.ReadManifest(h.to)
	if err != nil {
		h.Fatal(err)
	}
	return m
}

func flip(t *testing.T, path string, at int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[(at+len(b))%len(b)] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestRestoreRefuses: whatever was altered in a backup is found before a server
// can start on it, and named.
func TestRestoreRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(t *testing.T, h *house)
		says string
	}{
		"no manifest":        {func(t *testing.T, h *house) { os.Remove(filepath.Join(h.to, archive.ManifestName)) }, "it is no backup"},
		"half a manifest":    {func(t *testing.T, h *house) { os.Truncate(filepath.Join(h.to, archive.ManifestName), 40) }, "cannot be read"},
		"a byte of the file": {func(t *testing.T, h *house) { flip(t, filepath.Join(h.to, h.manifest().Database.Name), 5000) }, "is not what the manifest says"},
		"a shorter file":     {func(t *testing.T, h *house) { os.Truncate(filepath.Join(h.to, h.manifest().Database.Name), 8192) }, "the manifest says"},
		"a key":              {func(t *testing.T, h *house) { flip(t, filepath.Join(h.to, h.manifest().Keys[0].Name), 40) }, "is not what the manifest says"},
		"no key":             {func(t *testing.T, h *house) { os.Remove(filepath.Join(h.to, h.manifest().Keys[0].Name)) }, "is missing"},
		"a photo's byte":     {func(t *testing.T, h *house) { flip(t, filepath.Join(h.to, "blobs", h.photo), 0) }, "photo "},
		"no photo":           {func(t *testing.T, h *house) { os.Remove(filepath.Join(h.to, "blobs", h.photo)) }, "photo "},
		"an altered ledger, and a manifest that fits": {func(t *testing.T, h *house) {
			h.alter(t, `UPDATE ledger SET wall = wall + 1 WHERE pos = 2`)
		}, "the signature does not fit"},
		"a batch taken out, and a manifest that fits": {func(t *testing.T, h *house) {
			h.alter(t, `DELETE FROM ledger WHERE pos = 1`)
		}, "missing"},
		"an older stream, and a manifest that fits": {func(t *testing.T, h *house) {
			h.alter(t, `UPDATE stream SET rev = rev - 1`)
		}, "are not at the places"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.backup()
			c.harm(t, h)
			cfg, _, err := h.restore(app.RestoreOptions{})
			if !errors.Is(err, archive.ErrBackup) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one that says %q", err, c.says)
			}
			if core, err := app.OpenCore(t.Context(), cfg, quiet()); err == nil && archive.Unfinished(cfg.Data) {
				t.Error("a server starts on what was refused")
				core.Close()
			} else if err == nil {
				core.Close()
			}
		})
	}
}

// alter changes the backup's database and makes the manifest fit again, as
// somebody would who can write to the backups.
func (h *house) alter(t *testing.T, text string) {
	t.Helper()
	m := h.manifest()
	path := filepath.Join(h.to, m.Database.Name)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(text)
	if err := errors.Join(err, db.Close(), store.SettleFile(t.Context(), path)); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	m.Database.Size, m.Database.SHA256 = int64(len(b)), hex.EncodeToString(sum[:])
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.to, archive.ManifestName), raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestRestoreTakesAnEmptyFolderAlone, and one that an earlier restore left
// unfinished, on which no server starts.
func TestRestoreTakesAnEmptyFolderAlone(t *testing.T) {
	h := newHouse(t)
	h.backup()
	if _, err := app.Restore(t.Context(), h.core.Config, app.RestoreOptions{From: h.to}, quiet(), time.Now); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("over a live folder: %v", err)
	}
	cfg := folder(filepath.Join(t.TempDir(), "restored"))
	away := filepath.Join(h.to, "blobs", h.photo)
	if err := os.Rename(away, away+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := app.Restore(t.Context(), cfg, app.RestoreOptions{From: h.to}, quiet(), time.Now); err == nil {
		t.Fatal("restored without its photo")
	}
	if core, err := app.OpenCore(t.Context(), cfg, quiet()); err == nil {
		core.Close()
		t.Fatal("a server starts on half a restore")
	}
	if err := os.Rename(away+".away", away); err != nil {
		t.Fatal(err)
	}
	r, err := app.Restore(t.Context(), cfg, app.RestoreOptions{From: h.to}, quiet(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	core, err := app.OpenCore(t.Context(), cfg, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer core.Close()
	if core.History != r.History || r.History == h.core.History || r.Photos != 1 {
		t.Errorf("restored %+v", r)
	}
	info, err := os.Stat(filepath.Join(cfg.Data, "keys", "server.ed25519"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key: %v, %v", info.Mode(), err)
	}
	rebuilt(t, core)
}

func rebuilt(t *testing.T, core *app.Core) {
	t.Helper()
	if _, err := core.Rebuild(t.Context(), func(int) {}, func(d store.Difference) error { t.Errorf("rebuild: %s", d); return nil }); err != nil {
		t.Fatal(err)
	}
}

// TestBackupsOfARunningServer: each is one consistent moment, photos are copied
// once, and an older backup in the folder gives way to the new one.
func TestBackupsOfARunningServer(t *testing.T) {
	h := newHouse(t)
	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := 0; ctx.Err() == nil && i < 200; i++ {
			h.write("community", map[string]any{"name": "翠湖"})
			h.stored(bytes.Repeat([]byte{byte(i)}, i+1))
		}
	})
	copied := 0
	for range 3 {
		b := h.backup()
		copied += b.Copied
		if copied != b.Photos.Count || len(b.Photos.Missing) > 0 {
			t.Errorf("%d photos copied in all, %d of them present, %d missing", copied, b.Photos.Count, len(b.Photos.Missing))
		}
		cfg, r, err := h.restore(app.RestoreOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Photos != b.Photos.Count {
			t.Errorf("%d photos restored of %d", r.Photos, b.Photos.Count)
		}
		core, err := app.OpenCore(t.Context(), cfg, quiet())
		if err != nil {
			t.Fatal(err)
		}
		rebuilt(t, core)
		if err := core.Close(); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	writing.Wait()
	entries, err := os.ReadDir(h.to)
	if err != nil || len(entries) != 5 { // manifest, database, keys, list, photos
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}

// TestAPhotoThatWasLostBefore is named by the backup and does not keep it from
// being restored.
func TestAPhotoThatWasLostBefore(t *testing.T) {
	h := newHouse(t)
	if err := os.Remove(h.object(h.core.Config.Data, h.photo)); err != nil {
		t.Fatal(err)
	}
	if b := h.backup(); len(b.Photos.Missing) != 1 || b.Photos.Missing[0] != h.photo {
		t.Fatalf("missing %v", b.Photos.Missing)
	}
	if _, r, err := h.restore(app.RestoreOptions{}); err != nil || r.Photos != 0 {
		t.Errorf("%d photos, %v", r.Photos, err)
	}
}

// TestReplayTakesNothingAltered: a shipped object that does not hold refuses
// the replay, whatever it would have changed.
func TestReplayTakesNothingAltered(t *testing.T) {
	h := newHouse(t)
	h.backup()
	h.write("community", map[string]any{"name": "后来的"})
	bucket := filepath.Join(t.TempDir(), "blobs", h.core.Config.S3.Bucket)
	if err := h.core.NewShipper(disk(bucket)).Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	storage := filepath.Dir(bucket)
	_, r, err := h.restore(app.RestoreOptions{Ledger: true, Storage: storage})
	if err != nil || r.Replayed != 1 {
		t.Fatalf("%d batches replayed, %v", r.Replayed, err)
	}
	var last string
	err = archive.Folder(bucket).List(t.Context(), "ledger/", "", func(key string, _ int64) error {
		if strings.Contains(key, h.centre.String()) {
			last = key
		}
		return nil
	})
	if err != nil || last == "" {
		t.Fatal("nothing was shipped", err)
	}
	flip(t, filepath.Join(bucket, last), -70)
	if _, _, err := h.restore(app.RestoreOptions{Ledger: true, Storage: storage}); err == nil || !strings.Contains(err.Error(), last) {
		t.Errorf("error %v, want one that names %s", err, last)
	}
}

// disk is a bucket over a folder.
type disk string

func (d disk) Put(_ context.Context, key string, body []byte) error {
	path := filepath.Join(string(d), key)
	if _, err := os.Stat(path); err == nil {
		return archive.ErrExists
	}
	return errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, body, 0o600))
}

func (d disk) Get(ctx context.Context, key string, limit int64) ([]byte, error) {
	return archive.Folder(d).Get(ctx, key, limit)
}

func (d disk) List(ctx context.Context, prefix, after string, fn func(string, int64) error) error {
	return archive.Folder(d).List(ctx, prefix, after, fn)
}
