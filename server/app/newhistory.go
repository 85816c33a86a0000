package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"siteledger/server/archive"
	"siteledger/server/auth"
	"siteledger/server/config"
	"siteledger/server/ledger"
	"siteledger/server/store"
)

// ErrServed says that servers are connected to a database that must stand
// still.
var ErrServed = errors.New("servers are connected to this database; stop them first")

// Renewed says what NewHistory did.
type Renewed struct {
	Before, History uuid.UUID
	Cuts            map[uuid.UUID]Cut // by stream
	Others          int               // histories in the bucket that went on from this past
}

// NewHistory makes a database that was put back to an earlier point, such as a
// PostgreSQL database recovered to a time, or a data folder from a disk's
// snapshot, one that may serve: what [Restore] does last. Every chain and
// signature is verified first. Histories that the bucket knows to have gone on
// from the same past keep their revs to themselves.
//
// No server may run on it: connected ones are an ErrServed, on a folder nobody
// can tell. All of it is one transaction: where it ends before, nothing has
// happened, and it is called again. Each call makes one history: a second one
// does no harm, and costs each phone one more comparison.
func NewHistory(ctx context.Context, cfg config.Config, now func() time.Time, progress func(step string, n int)) (out Renewed, err error) {
	r := &restore{cfg: cfg, opt: RestoreOptions{Progress: progress}, now: now}
	if r.keys, err = auth.OpenKeys(cfg.Data, rand.Reader); err != nil {
		return out, fmt.Errorf("server keys: %w", err)
	}
	if r.store, err = openStoreAs(ctx, cfg, "FULL", "siteledger-new-history", nil); err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, r.store.Close()) }()
	if n, err := r.store.Servers(ctx); err != nil || n > 0 {
		return out, errors.Join(err, ErrServed)
	}
	histories, err := r.store.Histories(ctx)
	if err != nil {
		return out, err
	}
	if len(histories) == 0 {
		return out, errors.New("there is no installation here")
	}
	out.Before = histories[0].ID
	if err := r.verify(ctx); err != nil {
		return out, err
	}
	if out.Others, err = r.others(ctx, histories); err != nil {
		return out, err
	}
	out.History, out.Cuts, err = beginHistory(ctx, r.store, r.keys, cfg, now, func(ledger.Stream) int { return out.Others })
	return out, err
}

// others counts the histories in the bucket that the store does not know.
func (r *restore) others(ctx context.Context, histories []archive.History) (int, error) {
	var bucket archive.Bucket
	if folder := objectsFolder(r.cfg); folder != "" {
		if _, err := os.Stat(filepath.Clean(folder)); errors.Is(err, os.ErrNotExist) {
			return 0, nil
		}
		bucket = archive.Folder(folder)
	} else {
		var err error
		if bucket, err = r.bucket(); err != nil {
			return 0, err
		}
	}
	ends, err := r.store.Ends(ctx)
	if err != nil {
		return 0, err
	}
	tail, err := archive.OpenTail(ctx, bucket, publicKeys(r.keys), histories, ends)
	if err != nil {
		return 0, fmt.Errorf("what was shipped: %w", err)
	}
	return tail.Unknown(), nil
}

// openStore opens the database that the configuration names, else the file in
// the data folder.
func openStore(ctx context.Context, cfg config.Config, synchronous string) (*store.Store, error) {
	return openStoreAs(ctx, cfg, synchronous, "", nil)
}
