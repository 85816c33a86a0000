package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	clientsdk "siteledger/client-sdk"
	"siteledger/client-sdk/phone"
	"siteledger/server/app"
	"siteledger/server/config"
	"siteledger/server/demo/cable"
	"siteledger/server/demo/console"
	"siteledger/server/demo/month"
	"siteledger/server/demo/scene"
)

const version = "demo"

// demo is everything that runs. Its parts are closed in the reverse of the
// order in which they were opened.
type demo struct {
	options
	sample  sample
	log     *slog.Logger
	app     *app.App
	line    line
	phone   *clientsdk.Client
	pages   string // first address of the phone's pages
	console string

	closers []func() error
	stop    context.CancelFunc // ends what runs in the background
	running sync.WaitGroup
	failed  chan error
}

// line is the phone's network: one cable to the server, one to the storage.
type line struct {
	server, storage *cable.Cable
	paid            atomic.Bool // mobile data
	changed         func()      // what the phone's system would call
}

func (l *line) IsCut() bool    { return l.server.IsCut() }
func (l *line) Cut() error     { return errors.Join(l.server.Cut(), l.storage.Cut()) }
func (l *line) Restore() error { return errors.Join(l.server.Restore(), l.storage.Restore()) }
func (l *line) IsPaid() bool   { return l.paid.Load() }

// Pay makes it mobile data, or Wi-Fi again, and tells the phone.
func (l *line) Pay(paid bool) {
	l.paid.Store(paid)
	l.changed()
}

// open builds the demo: data, network, server, phone, console.
func open(ctx context.Context, o options, log *slog.Logger, progress io.Writer) (*demo, error) {
	d := &demo{options: o, log: log, failed: make(chan error, 4)}
	background, stop := context.WithCancel(context.Background())
	d.stop = stop
	for _, part := range []func(context.Context, context.Context) error{
		func(ctx, _ context.Context) (err error) { d.sample, err = prepare(ctx, o, log, progress); return err },
		d.openLine, d.openServer, d.openPhone, d.openConsole,
	} {
		if err := part(ctx, background); err != nil {
			return nil, errors.Join(err, d.close())
		}
	}
	return d, nil
}

func (d *demo) close() error {
	d.stop()
	d.running.Wait()
	var errs []error
	for i := len(d.closers) - 1; i >= 0; i-- {
		errs = append(errs, d.closers[i]())
	}
	d.closers = nil
	return errors.Join(errs...)
}

// settings are the server's, on the demo's folder and addresses.
func settings(o options) config.Config {
	cfg := config.Default()
	cfg.Listen, cfg.S3.Listen = o.address(0), o.address(3)
	cfg.Data = o.data // so that the server's own commands work on it as well
	cfg.Log.Level = o.log
	return cfg
}

func (d *demo) openLine(context.Context, context.Context) (err error) {
	for n, c := range []**cable.Cable{&d.line.server, &d.line.storage} {
		if *c, err = cable.Listen(d.address(4 + n)); err != nil {
			return err
		}
		d.closers = append(d.closers, (*c).Close)
	}
	return nil
}

// openServer starts the server and leads the phone's cables to it.
func (d *demo) openServer(ctx, background context.Context) (err error) {
	cfg := settings(d.options)
	cfg.S3.PublicEndpoint = "http://" + d.line.storage.Addr()
	if d.app, err = app.New(ctx, cfg, d.log, version); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	d.closers = append(d.closers, d.app.Close)
	d.line.server.Connect(d.app.Addr())
	d.line.storage.Connect(d.app.StorageAddr())
	d.background(func() error { return d.app.Run(background) })
	return nil
}

// background runs something until the demo ends, and ends the demo where it
// fails.
func (d *demo) background(fn func() error) {
	d.running.Go(func() {
		if err := fn(); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, http.ErrServerClosed) {
			d.failed <- err
		}
	})
}

// openPhone starts the phone behind its network and, the first time, enrols it
// with a one-time code as a person would.
func (d *demo) openPhone(ctx, background context.Context) (err error) {
	server := "http://" + d.line.server.Addr()
	dir := filepath.Join(d.data, "phone")
	d.phone, err = clientsdk.Open(clientsdk.Config{
		Dir: dir, Server: server, Log: d.log, Platform: "demo", Model: "演示手机", App: version, Metered: d.line.IsPaid,
		Backoff: clientsdk.Backoff{Min: 500 * time.Millisecond, Max: 3 * time.Second}, // nobody waits long for a demo
	})
	if err != nil {
		return fmt.Errorf("phone: %w", err)
	}
	d.closers = append(d.closers, d.phone.Close)
	d.line.changed = d.phone.Nudge
	if _, known := d.phone.Identity(); !known {
		code, _, err := d.app.Auth.OperatorCode(ctx, d.sample.Demo.ID)
		if err != nil {
			return fmt.Errorf("code for the phone: %w", err)
		}
		if err := d.phone.Enrol(ctx, code); err != nil {
			return fmt.Errorf("enrol the phone: %w", err)
		}
	}
	if _, err := d.phone.Sync(ctx); err != nil {
		return fmt.Errorf("first sync of the phone: %w", err)
	}
	token, err := newToken()
	if err != nil {
		return err
	}
	pages, err := phone.New(phone.Config{Client: d.phone, Token: token, Server: server, Dir: dir, Zone: month.Zone(), Log: d.log})
	if err != nil {
		return err
	}
	addr, err := d.serve(background, d.address(1), pages)
	d.pages = "http://" + addr + "/?t=" + token
	d.background(func() error { return d.phone.Run(background) })
	return err
}

func newToken() (string, error) {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

func (d *demo) openConsole(_, background context.Context) error {
	page, err := console.New(console.Config{
		Doors: d.doors(), Accounts: d.sample.accounts(), People: []console.Person{
			{ID: d.sample.Story.ID.String(), Name: d.sample.Story.Name}, {ID: d.sample.Demo.ID.String(), Name: d.sample.Demo.Name},
		},
		Data: d.data, Server: "http://" + d.line.server.Addr(), Network: &d.line, Code: d.code, Studio: scene.NewStudio(), Now: time.Now,
	})
	if err != nil {
		return err
	}
	addr, err := d.serve(background, d.address(2), page)
	d.console = "http://" + addr + "/"
	return err
}

// serve runs a page until the background ends.
func (d *demo) serve(background context.Context, address string, h http.Handler) (string, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", err
	}
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return background },
	}
	d.background(func() error { return s.Serve(l) })
	d.running.Go(func() {
		<-background.Done()
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			_ = s.Close()
		}
	})
	return l.Addr().String(), nil
}
