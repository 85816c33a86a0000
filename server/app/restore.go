package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"

	"siteledger/server/archive"
	"siteledger/server/auth"
	"siteledger/server/blob"
	"siteledger/server/config"
	"siteledger/server/ledger"
	"siteledger/server/store"
	"siteledger/syncproto/schema"
)

// RestoreOptions say what a restore reads.
type RestoreOptions struct {
	From string // the backup
	// Ledger replays the batches that were shipped to the bucket behind the
	// backup.
	Ledger bool
	// Storage is the folder of a lost server's own storage, where its bucket's
	// folder is: shipped batches and photos newer than the backup are read from
	// it. Empty for none; an external storage is the settings'.
	Storage  string
	Progress func(step string, n int)
}

// Restored says what a restore did.
type Restored struct {
	History  uuid.UUID         // the new one
	From     archive.Manifest  // the backup
	Replayed int               // shipped batches that were newer than it
	Photos   int               // present, with the right bytes (in an external storage: with the right size)
	Fresh    int               // streams that the backup did not have
	Cuts     map[uuid.UUID]Cut // by stream
}

// Cut is where a stream's past ends and its new history begins.
type Cut struct {
	Pos   uint64 `json:"pos"`   // last place before
	Last  uint64 `json:"last"`  // last rev before
	Floor uint64 `json:"floor"` // revs go on from here
}

// revsApart is what a restored server leaves out, so that no rev is ever used
// twice.
const revsApart = 1 << 40

// Restore makes a server's data folder from a backup (promise P11). The folder
// must be empty. Everything is verified before a server can start on it: the
// manifest's hashes, the database's structure, every chain and signature, every
// photo. An archive.ErrBackup says what does not hold. The server takes a new
// history, so that phones offer again what it has forgotten.
func Restore(ctx context.Context, cfg config.Config, opt RestoreOptions, log *slog.Logger, now func() time.Time) (out Restored, err error) {
	if cfg.Database.External() {
		return out, errors.New("a backup is restored to a data folder; take the setting database away, then move the folder with migrate-store")
	}
	if err := makeFolder(cfg.Data); err != nil {
		return out, fmt.Errorf("data folder: %w", err)
	}
	r := &restore{cfg: cfg, opt: opt, log: log, now: now}
	u := archive.UnpackConfig{From: opt.From, Data: cfg.Data, Objects: objectsFolder(cfg), Database: DatabaseName,
		Progress: func(n int, _ int64) { r.tell("photos", n) }}
	if opt.Storage != "" {
		u.Second = filepath.Join(opt.Storage, cfg.S3.Bucket)
	}
	var path string
	if out.From, path, err = archive.Unpack(ctx, u); err != nil {
		return out, err
	}
	if !slices.ContainsFunc(out.From.Keys, func(p archive.Part) bool { return filepath.Base(p.Name) == filepath.Base(auth.KeyFile) }) {
		return out, fmt.Errorf("%w: it has no signing key", archive.ErrBackup)
	}
	if r.keys, err = auth.OpenKeys(cfg.Data, rand.Reader); err != nil {
		return out, fmt.Errorf("server keys: %w", err)
	}
	if r.store, err = store.Open(ctx, store.Config{Path: path}); err != nil {
		return out, fmt.Errorf("open the backup's database: %w", err)
	}
	err = r.fill(ctx, u, &out)
	if err = errors.Join(err, r.store.Close()); err != nil {
		return out, err
	}
	if err := store.SettleFile(ctx, path); err != nil {
		return out, err
	}
	return out, archive.Finish(cfg.Data, path)
}

// restore is one under way.
type restore struct {
	cfg   config.Config
	opt   RestoreOptions
	log   *slog.Logger
	now   func() time.Time
	keys  *auth.Keys
	store *store.Store
}

func (r *restore) tell(step string, n int) {
	if r.opt.Progress != nil {
		r.opt.Progress(step, n)
	}
}

func (r *restore) fill(ctx context.Context, u archive.UnpackConfig, out *Restored) error {
	if err := r.store.Check(ctx); err != nil {
		return fmt.Errorf("%w: the database is damaged: %w", archive.ErrBackup, err)
	}
	if err := out.From.Compare(ctx, r.store); err != nil {
		return err
	}
	if err := r.verify(ctx); err != nil {
		return err
	}
	bucket, err := r.bucket()
	if err != nil {
		return err
	}
	before, err := r.store.Ends(ctx)
	if err != nil {
		return err
	}
	others, err := r.replay(ctx, bucket, before, out)
	if err != nil {
		return err
	}
	if left, ok := bucket.(archive.Folder); ok {
		if _, err := archive.CarryShipped(ctx, left, u.Objects); err != nil {
			return fmt.Errorf("keep what was shipped: %w", err)
		}
	}
	if u.Objects != "" {
		out.Photos, err = archive.UnpackPhotos(ctx, u, out.From, r.store)
	} else {
		out.Photos, err = archive.FindPhotos(ctx, bucket, r.store)
	}
	if err != nil {
		return err
	}
	out.History, out.Cuts, err = beginHistory(ctx, r.store, r.keys, r.cfg, r.now, func(e ledger.Stream) int {
		return others - (len(e.Cuts) - cutsOf(before, e.Centre))
	})
	return err
}

// cutsOf counts the restores that a stream has been through.
func cutsOf(ends []ledger.Stream, centre uuid.UUID) int {
	for _, e := range ends {
		if e.Centre == centre {
			return len(e.Cuts)
		}
	}
	return 0
}

// verify reads every chain and signature.
func (r *restore) verify(ctx context.Context) error {
	ends, err := r.store.Ends(ctx)
	if err != nil {
		return err
	}
	for _, e := range ends {
		v, err := ledger.Verify(ctx, r.store, e.Centre, publicKeys(r.keys), func(d ledger.Damage) error {
			return fmt.Errorf("%w: %s", archive.ErrBackup, d)
		})
		if err != nil {
			return err
		}
		r.tell("verified", v.Changes)
	}
	return nil
}

// bucket is where shipped batches are; nil where nothing is known of them.
func (r *restore) bucket() (archive.Bucket, error) {
	s := r.cfg.S3
	if s.External() {
		secret, err := config.ReadSecret(s.SecretKeyFile)
		if err != nil {
			return nil, err
		}
		return blob.OpenBucket(blob.Config{Endpoint: s.URL(s.Endpoint), AccessKey: s.AccessKey, SecretKey: secret, Region: s.Region, Bucket: s.Bucket, Limits: r.cfg.Limits.Limits})
	}
	if r.opt.Storage != "" {
		return archive.Folder(filepath.Join(r.opt.Storage, s.Bucket)), nil
	}
	if r.opt.Ledger {
		return nil, errors.New("where are the shipped batches? name the lost server's blobs folder with -storage, or set s3.endpoint")
	}
	return nil, nil
}

// replay folds what was shipped behind the backup, and counts the histories in
// the bucket that the backup does not know.
func (r *restore) replay(ctx context.Context, bucket archive.Bucket, was []ledger.Stream, out *Restored) (others int, err error) {
	if bucket == nil {
		return 0, nil
	}
	histories, err := r.store.Histories(ctx)
	if err != nil {
		return 0, err
	}
	tail, err := archive.OpenTail(ctx, bucket, publicKeys(r.keys), histories, was)
	if err != nil {
		return 0, fmt.Errorf("what was shipped: %w", err)
	}
	if !r.opt.Ledger {
		return tail.Unknown(), nil
	}
	l, err := newFold(r.store, r.keys, r.cfg, histories[0].ID, r.now)
	if err != nil {
		return 0, err
	}
	ends := slices.Clone(was)
	for _, s := range tail.Fresh() {
		if err := r.store.CreateStream(ctx, s); err != nil {
			return 0, err
		}
		ends = append(ends, s)
		out.Fresh++
	}
	if err := l.Rebuild(ctx, tail, headquartersOf(ends), centresOf(ends), func(int) {
		out.Replayed++
		r.tell("replayed", out.Replayed)
	}); err != nil {
		return 0, fmt.Errorf("replay what was shipped: %w", err)
	}
	before := places(ends)
	if ends, err = r.store.Ends(ctx); err != nil {
		return 0, err
	}
	for i, h := range tail.Reached(ends) {
		for _, e := range ends {
			if at := cutsOf(was, e.Centre) + i; at < len(e.Cuts) {
				h.Floor = max(h.Floor, e.Cuts[at].Floor)
			}
		}
		if err := r.store.BeginHistory(ctx, h); err != nil {
			return 0, err
		}
	}
	r.log.Info("shipped batches replayed", "batches", out.Replayed, "from", before, "to", places(ends))
	if out.Replayed == 0 {
		return tail.Unknown(), nil
	}
	return tail.Unknown(), r.verify(ctx)
}

func places(ends []ledger.Stream) (n uint64) {
	for _, e := range ends {
		n += e.Pos
	}
	return n
}

func headquartersOf(ends []ledger.Stream) uuid.UUID {
	for _, e := range ends {
		if e.Headquarters {
			return e.Centre
		}
	}
	return uuid.Nil
}

func centresOf(ends []ledger.Stream) []uuid.UUID {
	var out []uuid.UUID
	for _, e := range ends {
		if !e.Headquarters {
			out = append(out, e.Centre)
		}
	}
	return out
}

// newFold makes a ledger over a store that nobody serves.
func newFold(s *store.Store, keys *auth.Keys, cfg config.Config, history uuid.UUID, now func() time.Time) (*ledger.Ledger, error) {
	return ledger.New(ledger.Config{Update: s.UpdateCentre, Create: s.CreateStream, History: history, Schema: schema.MustCurrent(), Signer: keys,
		Limits: cfg.Limits.Limits, Now: now, NewID: mustID, Salt: salt})
}

// beginHistory gives a store a new history, wholly or not at all: headquarters'
// stream first, since the centres' entries are folded against it. others counts the histories that
// have used up revs of their own behind a stream's end.
func beginHistory(ctx context.Context, s *store.Store, keys *auth.Keys, cfg config.Config, now func() time.Time, others func(ledger.Stream) int) (uuid.UUID, map[uuid.UUID]Cut, error) {
	ends, err := s.Ends(ctx)
	if err != nil {
		return uuid.Nil, nil, err
	}
	h := archive.History{ID: uuid.New(), StartedAt: now().UnixMilli()}
	cuts := make(map[uuid.UUID]Cut, len(ends))
	for _, e := range ends {
		c := Cut{Pos: e.Pos, Last: e.Rev, Floor: e.Rev + uint64(1+max(0, others(e)))*revsApart}
		cuts[e.Centre], h.Floor = c, max(h.Floor, c.Floor)
	}
	err = s.Renew(ctx, h, ends, func(update func(context.Context, uuid.UUID, func(ledger.Tx) error) error) error {
		l, err := newFold(s, keys, cfg, h.ID, now)
		if err != nil {
			return err
		}
		l.Update = update
		for _, e := range ends {
			if err := l.BeginHistory(ctx, e.Centre, mustID(), cuts[e.Centre].Floor); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return uuid.Nil, nil, fmt.Errorf("begin history: %w", err)
	}
	return h.ID, cuts, nil
}

// BeginHistory makes the data folder of a server that does not run go on as one
// that was restored from a backup: what [Restore] does last, for those who put
// a copy of the folder back in another way, such as a snapshot of its disk, or
// a simulated loss.
func BeginHistory(ctx context.Context, cfg config.Config, now func() time.Time) (history uuid.UUID, err error) {
	keys, err := auth.OpenKeys(cfg.Data, rand.Reader)
	if err != nil {
		return uuid.Nil, fmt.Errorf("server keys: %w", err)
	}
	s, err := store.Open(ctx, store.Config{Path: filepath.Join(cfg.Data, DatabaseName)})
	if err != nil {
		return uuid.Nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	history, _, err = beginHistory(ctx, s, keys, cfg, now, func(ledger.Stream) int { return 0 })
	return history, err
}
