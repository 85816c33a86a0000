// Package tier fills an empty data folder with the sample months of many
// centres, to see how the program stands up to size. Everything goes through
// the real ledger, as packages month and app do it: logs that phones signed,
// transactions of desks, the server's own entries for files.
//
// It must never write into a folder that is not empty, and never behind the
// ledger's back. Files have rows and no bytes. What it leaves after an error
// is to be thrown away; a folder that [Filled] knows is whole.
package tier

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"siteledger/server/app"
	"siteledger/server/auth"
	"siteledger/server/config"
	"siteledger/server/demo/month"
	"siteledger/server/ledger"
	"siteledger/syncproto/schema"
)

// Size is how much there is.
type Size struct {
	Centres int
	Crews   int // of the usual centre's people in each, see month.Chain
}

// Named gives the sizes that have a name: S is one ordinary centre, M sixty
// that are twice as large, some one and a half million changes.
func Named(name string) (Size, error) {
	switch name {
	case "S":
		return Size{Centres: 1, Crews: 1}, nil
	case "M":
		return Size{Centres: 60, Crews: 2}, nil
	}
	return Size{}, fmt.Errorf("there is no size %q; there are S and M", name)
}

// Sample is what is in a folder. It lies beside the data and is written last.
type Sample struct {
	Size
	Changes int       `json:"changes"`
	Refused int       `json:"refused"` // edits of desks that came too early or too late
	Until   time.Time `json:"until"`   // end of the month
	Centre  uuid.UUID `json:"centre"`
	Logins  []Login   `json:"logins"` // of headquarters and of the first centre
}

// Login is somebody who signs in at a screen with [month.Password].
type Login struct {
	Role  schema.Role `json:"role"`
	Login string      `json:"login"`
}

const sampleFile = "tier.json"

// Filled reads what a folder holds; false where it was not filled to the end.
func Filled(dir string) (Sample, bool, error) {
	var s Sample
	b, err := os.ReadFile(filepath.Join(dir, sampleFile))
	if errors.Is(err, os.ErrNotExist) {
		return s, false, nil
	}
	if err != nil {
		return s, false, err
	}
	return s, true, json.Unmarshal(b, &s)
}

// Fill fills cfg's data folder with the month that ends at now. report is told
// of each centre that is there; it may be nil.
func Fill(ctx context.Context, cfg config.Config, size Size, seed uint64, now time.Time, log *slog.Logger, report func(done, all, changes int)) (s Sample, err error) {
	path := filepath.Join(cfg.Data, app.DatabaseName)
	if _, err := os.Stat(path); err == nil {
		return s, fmt.Errorf("%s has a database already that was not filled to the end; empty it, or choose another folder", cfg.Data)
	}
	core, err := app.OpenToFill(ctx, cfg, log, time.Now)
	if err != nil {
		return s, fmt.Errorf("data folder: %w", err)
	}
	f := &filler{core: core, chain: month.Chain{Seed: seed, Now: now, Crews: size.Crews}, size: size, report: report}
	first, err := f.all(ctx)
	if err = errors.Join(err, core.Close()); err != nil {
		return s, err
	}
	if err := settle(path); err != nil {
		return s, err
	}
	s = Sample{Size: size, Changes: f.changes, Refused: f.refused, Until: now, Centre: first.Centre}
	for _, p := range first.People {
		if p.Login != "" {
			s.Logins = append(s.Logins, Login{p.Role, p.Login})
		}
	}
	b, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return s, err
	}
	return s, os.WriteFile(filepath.Join(cfg.Data, sampleFile), b, 0o600)
}

// settle brings a file that was written without waiting for the disk to the
// disk.
func settle(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

type filler struct {
	core   *app.Core
	chain  month.Chain
	size   Size
	report func(done, all, changes int)

	mu                     sync.Mutex
	done, changes, refused int
}

// all loads the first centre, which makes headquarters, and then the others,
// several at once: drawing, encoding and signing go on beside the one writer.
func (f *filler) all(ctx context.Context) (*month.Month, error) {
	first := f.chain.Month(0)
	if err := f.load(ctx, first); err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2 * runtime.NumCPU())
	for n := 1; n < f.size.Centres; n++ {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := f.load(ctx, f.chain.Month(n)); err != nil {
				return fmt.Errorf("centre %d: %w", n+1, err)
			}
			return nil
		})
	}
	return first, group.Wait()
}

// load plays one month. Each has a clock of its own, and so a ledger and
// accounts that run on it, over the one store.
func (f *filler) load(ctx context.Context, m *month.Month) error {
	clock := month.NewClock(time.Now)
	clock.Set(m.Start())
	core := f.core
	led, err := ledger.New(ledger.Config{
		Update: core.Store.UpdateCentre, Create: core.Store.CreateStream, History: core.History, Schema: core.Schema, Signer: core.Keys,
		Limits: core.Config.Limits.Limits, Now: clock.Now, NewID: func() uuid.UUID { return uuid.Must(uuid.NewV7()) },
		Salt: func() [16]byte { return uuid.New() },
	})
	if err != nil {
		return err
	}
	people, err := auth.New(auth.Config{
		Store: core.Store, Journal: led, Keys: core.Keys, History: core.History, Schema: core.Schema.Version,
		Now: clock.Now, Rand: rand.Reader, NewID: uuid.NewV7,
	})
	if err != nil {
		return err
	}
	got, err := month.Load(ctx, month.Server{Ledger: led, Accounts: people, Clock: clock, Schema: core.Schema}, m)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done, f.changes, f.refused = f.done+1, f.changes+got.Changes, f.refused+got.Refused
	if f.report != nil {
		f.report(f.done, f.size.Centres, f.changes)
	}
	return nil
}
