package app_test

import (
	"context"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/app"
	"siteledger/server/ledger"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// BenchmarkRestore backs up and restores a database of 200 MB with 1,000 photos
// of 200 KB: go test ./server/app -run none -bench Restore -benchtime 1x
func BenchmarkRestore(b *testing.B) {
	h := newHouse(b)
	noise := rand.NewChaCha8([32]byte{})
	path := filepath.Join(h.core.Config.Data, app.DatabaseName)
	for size := int64(0); size < 200<<20; {
		edits := make([]ledger.Edit, 500)
		for i := range edits {
			text := make([]byte, 48)
			_, _ = noise.Read(text)
			edits[i] = ledger.Edit{Table: "community", Row: uuid.Must(uuid.NewV7()), Op: changelog.Insert, Cols: map[string]any{"name": hex.EncodeToString(text)}}
		}
		if _, err := h.core.Ledger.Write(context.Background(), h.centre, ledger.Author{Role: schema.Server}, edits); err != nil {
			b.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		size = info.Size()
	}
	for range 1000 {
		picture := make([]byte, 200<<10)
		_, _ = noise.Read(picture)
		h.stored(picture)
	}
	b.ResetTimer()
	for b.Loop() {
		start := time.Now()
		back := h.backup()
		b.ReportMetric(time.Since(start).Seconds(), "backup-s")
		b.ReportMetric(float64(back.Database.Size)/(1<<20), "database-MB")
		start = time.Now()
		cfg, r, err := h.restore(app.RestoreOptions{})
		if err != nil || r.Photos != 1001 {
			b.Fatal(r.Photos, err)
		}
		b.ReportMetric(time.Since(start).Seconds(), "restore-s")
		if err := os.RemoveAll(cfg.Data); err != nil {
			b.Fatal(err)
		}
	}
}
