package app

import (
	"context"
	"crypto/ed25519"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"siteledger/server/archive"
	"siteledger/server/auth"
	"siteledger/server/blob"
	"siteledger/server/config"
	"siteledger/server/metrics"
	"siteledger/server/store"
)

// NewShipper makes the worker that puts the ledger into a bucket, and has it
// woken by each commit of this core.
func (c *Core) NewShipper(bucket archive.Bucket) *archive.Shipper {
	cfg := archive.ShipConfig{Streams: c.Store, Places: c.Store, Bucket: bucket, Signer: c.Keys, Keys: publicKeys(c.Keys),
		History: c.History, Now: c.Now, Log: c.Log}
	var turn *shipTurn
	if c.Config.Database.External() { // others may be at it
		turn = &shipTurn{store: c.Store, holder: mustID(), now: c.Now}
		cfg.Own = turn.Own
	}
	s := archive.NewShipper(cfg)
	c.mu.Lock()
	c.ship, c.turn = s, turn
	c.mu.Unlock()
	return s
}

func publicKeys(k *auth.Keys) []ed25519.PublicKey {
	var out []ed25519.PublicKey
	for _, p := range k.Public() {
		out = append(out, ed25519.PublicKey(p.PublicKey))
	}
	return out
}

func (a *App) openShipping() error {
	if !a.Config.S3.ShipLedger {
		return nil
	}
	bucket, err := blob.OpenBucket(a.storage.config)
	if err != nil {
		return err
	}
	a.NewShipper(bucket)
	return nil
}

// startShipping ships in the background. stop ends that, after what was
// committed last; the storage is closed behind it.
func (a *App) startShipping() (stop func()) {
	if a.ship == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.ship.Run(ctx)
	}()
	release := a.takeTurns()
	return func() {
		cancel()
		<-done
		release()
	}
}

// takeTurns holds the turn to ship where several servers have one. release
// ends that.
func (a *App) takeTurns() (release func()) {
	if a.turn == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var kept sync.WaitGroup
	kept.Go(func() { a.turn.keep(ctx, a.ship.Wake) })
	return func() {
		cancel()
		kept.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := a.turn.giveBack(ctx); err != nil {
			a.Log.Warn("the turn to ship the ledger is not given back; another server waits for its end", "error", err)
		}
	}
}

// shipping is the worker that copies the ledger elsewhere; nil for none.
func (a *App) shipping() metrics.Shipping {
	if a.ship == nil {
		return nil
	}
	return shippingLag{a.Core}
}

// shippingLag reads how far the bucket is behind.
type shippingLag struct{ *Core }

// Lag satisfies metrics.Shipping.
func (s shippingLag) Lag(context.Context) (time.Duration, bool) {
	return s.ship.Lag().Behind(s.Now()), true
}

// keyFiles are what a backup holds besides database and photos.
func keyFiles() []string { return []string{auth.KeyFile, secretFile} }

// objectsFolder is where the embedded storage keeps its objects; empty for an
// external one.
func objectsFolder(cfg config.Config) string {
	if cfg.S3.External() {
		return ""
	}
	return filepath.Join(cfg.Data, storageFolder, cfg.S3.Bucket)
}

// Backup makes a backup in a folder, also while servers run on the same data
// folder.
func (c *Core) Backup(ctx context.Context, to, version string, progress archive.Progress) (archive.Backed, error) {
	return archive.Backup(ctx, archive.BackupConfig{
		To: to, Copy: c.copyDatabase, Open: openSnapshot, Data: c.Config.Data, Keys: keyFiles(), Objects: objectsFolder(c.Config),
		Version: version, Now: c.Now, Progress: progress,
	})
}

// copyDatabase writes a consistent copy of the live database.
func (c *Core) copyDatabase(ctx context.Context, path string) error {
	if c.Config.Database.External() {
		return c.copyToFile(ctx, path)
	}
	return store.CopyFile(ctx, filepath.Join(c.Config.Data, DatabaseName), path)
}

func openSnapshot(ctx context.Context, path string) (archive.Snapshot, error) {
	s, err := store.Open(ctx, store.Config{Path: path})
	if err != nil {
		return nil, err
	}
	return settling{s, path}, nil
}

// settling leaves one file behind when it is closed.
type settling struct {
	*store.Store
	path string
}

// Close satisfies archive.Snapshot.
func (s settling) Close() error {
	return errors.Join(s.Store.Close(), store.SettleFile(context.Background(), s.path))
}
