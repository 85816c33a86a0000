package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"siteledger/server/app"
	"siteledger/server/archive"
)

// restoredData is what restore prints with -json.
type restoredData struct {
	Data     string                `json:"data"`
	History  uuid.UUID             `json:"history"`
	Before   uuid.UUID             `json:"history_before"`
	MadeAt   time.Time             `json:"backup_made_at"`
	Replayed int                   `json:"batches_replayed"`
	Photos   int                   `json:"photos"`
	Cuts     map[uuid.UUID]app.Cut `json:"cuts"`
}

// restore makes an empty data folder a server's again. What does not verify is
// refused with what it is, and exit 1.
func (p program) restore(ctx context.Context, args []string) error {
	fs, settings := p.flags("restore", storageKeys()...)
	from := fs.String("from", "", "folder of the backup")
	replay := fs.Bool("ledger", false, "also replay the batches that were shipped to the bucket behind the backup")
	storage := fs.String("storage", "", "the lost server's blobs folder, where its own storage is left: shipped batches and newer photos are read from it")
	asJSON := fs.Bool("json", false, "print one JSON object")
	cfg, err := p.parse(fs, settings, args)
	if err != nil {
		return err
	}
	if *from == "" {
		return p.misuse(fs, "name a backup with -from")
	}
	if inside(*from, cfg.Data) || inside(cfg.Data, *from) {
		return p.misuse(fs, "the backup and the data folder lie in each other")
	}
	r, err := app.Restore(ctx, cfg, app.RestoreOptions{From: *from, Ledger: *replay, Storage: *storage, Progress: func(step string, n int) {
		if n%1000 == 0 {
			fmt.Fprintf(p.err, "%s: %d\n", step, n)
		}
	}}, p.logger(cfg.Log), time.Now)
	if errors.Is(err, archive.ErrBackup) {
		fmt.Fprintln(p.out, "FAULT", err)
		return errFault
	}
	if err != nil {
		return err
	}
	out := restoredData{Data: cfg.Data, History: r.History, Before: r.From.History, MadeAt: time.UnixMilli(r.From.MadeAt), Replayed: r.Replayed, Photos: r.Photos, Cuts: r.Cuts}
	if *asJSON {
		return json.NewEncoder(p.out).Encode(out)
	}
	p.tellRestored(out)
	return nil
}

func (p program) tellRestored(r restoredData) {
	fmt.Fprintf(p.out, "restored into %s: backup of %s, %d shipped batches replayed, %d photos\n", r.Data, r.MadeAt.Format(time.RFC3339), r.Replayed, r.Photos)
	fmt.Fprintf(p.out, "new history %s, before %s\n", r.History, r.Before)
	p.tellCuts(r.Cuts)
	fmt.Fprintf(p.out, "look at people and phones that were disabled, revoked or given new passwords since the backup: those are as they were then, unless replayed\n")
}

func (p program) tellCuts(cuts map[uuid.UUID]app.Cut) {
	ids := make([]uuid.UUID, 0, len(cuts))
	for id := range cuts {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	for _, id := range ids {
		c := cuts[id]
		fmt.Fprintf(p.out, "  stream %s: up to place %d, rev %d; goes on from rev %d\n", id, c.Pos, c.Last, c.Floor)
	}
}
