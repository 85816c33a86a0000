package main

import (
	"context"
	"fmt"
	"time"

	"siteledger/server/app"
	"siteledger/server/store"
)

// migrateStore moves a data folder's records to a PostgreSQL database. It
// exits 1 where both differ in the end.
func (p program) migrateStore(ctx context.Context, args []string) error {
	fs, settings := p.flags("migrate-store", "data", "database", "database_password_file")
	cfg, err := p.parse(fs, settings, args)
	if err != nil {
		return err
	}
	if !cfg.Database.External() {
		return p.misuse(fs, "name the PostgreSQL database with -database")
	}
	here := cfg
	here.Database.URL = ""
	if err := hasData(here); err != nil {
		return err
	}
	differences, told := 0, time.Now()
	moved, err := app.MigrateStore(ctx, cfg, p.logger(cfg.Log), time.Now, func(changes int) {
		if time.Since(told) > time.Second {
			told = time.Now()
			fmt.Fprintf(p.err, "%d changes moved\n", changes)
		}
	}, func(d store.Difference) error {
		differences++
		fmt.Fprintf(p.out, "FAULT %s\n", d)
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%d changes moved, %d rows compared, %d differences\n", moved.Changes, moved.Rows, differences)
	if differences > 0 {
		return errFault
	}
	fmt.Fprintln(p.out, "start the servers with this database now; do not start one on the folder's own database again")
	return nil
}
