package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/google/uuid"

	"siteledger/server/app"
	"siteledger/server/archive"
)

// storageKeys are the settings that say where the photos lie.
func storageKeys() []string {
	return []string{"data", "database", "database_password_file", "s3.endpoint", "s3.bucket", "s3.region", "s3.access_key", "s3.secret_key_file", "s3.tls"}
}

// backedUp is what backup prints with -json.
type backedUp struct {
	To      string                `json:"to"`
	History uuid.UUID             `json:"history"`
	Streams []archive.StreamState `json:"streams"`
	Bytes   int64                 `json:"database_bytes"`
	Photos  int                   `json:"photos"`
	Copied  int                   `json:"photos_copied"`
	Held    bool                  `json:"photos_held"`
	Missing []string              `json:"photos_missing,omitempty"`
}

// backup copies a data folder's database, keys and photos, also while the
// server runs on it. It exits 1 where photos are missing that should be there;
// the backup is made all the same.
func (p program) backup(ctx context.Context, args []string) error {
	fs, settings := p.flags("backup", storageKeys()...)
	to := fs.String("to", "", "folder of the backup; an older one in it is replaced, its photos are kept")
	asJSON := fs.Bool("json", false, "print one JSON object")
	cfg, err := p.parse(fs, settings, args)
	if err != nil {
		return err
	}
	if *to == "" {
		return p.misuse(fs, "name a folder with -to")
	}
	if inside(*to, cfg.Data) {
		return p.misuse(fs, "%s lies in the data folder: a backup belongs on another disk", *to)
	}
	if err := hasData(cfg); err != nil {
		return err
	}
	core, err := app.OpenCore(ctx, cfg, p.logger(cfg.Log))
	if err != nil {
		return err
	}
	b, err := core.Backup(ctx, *to, buildVersion(), func(n int, bytes int64) {
		if n%1000 == 0 {
			fmt.Fprintf(p.err, "%d photos looked at, %d MB copied\n", n, bytes>>20)
		}
	})
	if err = errors.Join(err, core.Close()); err != nil {
		return err
	}
	out := backedUp{To: *to, History: b.History, Streams: b.Streams, Bytes: b.Database.Size, Photos: b.Photos.Count, Copied: b.Copied, Held: b.Photos.Held, Missing: b.Photos.Missing}
	if *asJSON {
		err = json.NewEncoder(p.out).Encode(out)
	} else {
		p.tellBackup(out)
	}
	if err == nil && len(out.Missing) > 0 {
		return errFault
	}
	return err
}

func (p program) tellBackup(b backedUp) {
	for _, key := range b.Missing {
		fmt.Fprintf(p.out, "FAULT photo %s is not in the storage, or not whole\n", key)
	}
	where := "listed, the storage has them"
	if b.Held {
		where = fmt.Sprintf("%d of them new", b.Copied)
	}
	fmt.Fprintf(p.out, "backup in %s: database of %d bytes, %d streams, %d photos (%s)\n", b.To, b.Bytes, len(b.Streams), b.Photos, where)
}

// inside says whether a path lies in a folder.
func inside(path, dir string) bool {
	a, err1 := filepath.Abs(path)
	b, err2 := filepath.Abs(dir)
	rel, err3 := filepath.Rel(b, a)
	return errors.Join(err1, err2, err3) == nil && filepath.IsLocal(rel)
}
