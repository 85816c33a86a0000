package main

import (
	"context"
	"errors"
	"fmt"

	"siteledger/server/app"
	"siteledger/server/config"
)

// serve runs the server until SIGTERM or Ctrl-C, then drains.
func (p program) serve(ctx context.Context, args []string) error {
	fs, settings := p.flags("serve", allKeys()...)
	cfg, err := p.parse(fs, settings, args)
	if err != nil {
		return err
	}
	log := p.logger(cfg.Log)
	a, err := app.New(ctx, cfg, log, buildVersion())
	if err != nil {
		return err
	}
	if a.First != nil {
		fmt.Fprintf(p.out, "administrator: %s\n", a.First.Login)
		if a.First.Password != "" {
			fmt.Fprintf(p.out, "password (shown this once): %s\n", a.First.Password)
		}
	}
	log.Info("listening", "address", a.Addr(), "url", a.URL(), "photos", a.StorageAddr(), "metrics", a.MetricsAddr(), "data", cfg.Data)
	err = a.Run(ctx)
	log.Info("stopped")
	return errors.Join(err, a.Close())
}

func allKeys() []string {
	var out []string
	for _, s := range config.Settings() {
		out = append(out, s.Key)
	}
	return out
}
