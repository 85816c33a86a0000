package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"siteledger/server/app"
	"siteledger/server/demo/console"
	"siteledger/server/demo/month"
	"siteledger/syncproto/schema"
)

// sample is what the demo has to know of its data. It lies beside them and is
// written last: a folder without it was not filled to the end.
type sample struct {
	Centre uuid.UUID `json:"centre"`
	Story  somebody  `json:"story"`
	Demo   somebody  `json:"demo"`
	Users  []user    `json:"users"`
}

type somebody struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
}

type user struct {
	Role  schema.Role `json:"role"`
	Login string      `json:"login"`
}

const sampleFile = "demo.json"

// prepare fills an empty folder with the sample month, or takes one that has
// it.
func prepare(ctx context.Context, o options, log *slog.Logger, progress io.Writer) (sample, error) {
	var s sample
	path := filepath.Join(o.data, sampleFile)
	b, err := os.ReadFile(path)
	if err == nil {
		if err := json.Unmarshal(b, &s); err != nil {
			return s, fmt.Errorf("%s: %w", path, err)
		}
		return s, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return s, err
	}
	cfg := settings(o)
	if _, err := os.Stat(filepath.Join(cfg.Data, app.DatabaseName)); err == nil {
		return s, fmt.Errorf("%s has a database that is not the demo's, or was not filled to the end; choose or empty another folder", o.data)
	}
	m := month.New(o.seed, time.Now())
	if err := fill(ctx, o, m, log, progress); err != nil {
		return s, err
	}
	s = describe(m)
	if b, err = json.MarshalIndent(s, "", "\t"); err != nil {
		return s, err
	}
	if err := settle(filepath.Join(cfg.Data, app.DatabaseName)); err != nil {
		return s, err
	}
	return s, os.WriteFile(path, b, 0o600)
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

// fill loads the month into a server that nobody else reaches yet.
func fill(ctx context.Context, o options, m *month.Month, log *slog.Logger, progress io.Writer) (err error) {
	start := time.Now()
	fmt.Fprintln(progress, "正在生成一个月的样例数据 · making a month of sample data")
	clock := month.NewClock(time.Now)
	clock.Set(m.Start())
	core, err := app.OpenToFill(ctx, settings(o), log, clock.Now)
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	defer func() { err = errors.Join(err, core.Close()) }()
	blobs, closeBlobs, err := core.OpenBlobs()
	if err != nil {
		return fmt.Errorf("photo storage: %w", err)
	}
	defer func() { err = errors.Join(err, closeBlobs()) }()
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	defer transport.CloseIdleConnections()
	loaded, err := month.Load(ctx, month.Server{
		Ledger: core.Ledger, Accounts: core.Auth, Blobs: blobs, HTTP: &http.Client{Transport: transport, Timeout: time.Minute},
		Clock: clock, Schema: core.Schema,
		Report: func(done, all int) { fmt.Fprintf(progress, "  %3d %%\n", done*100/all) },
	}, m)
	if err != nil {
		return err
	}
	fmt.Fprintf(progress, "  %d 条变更 changes, %d 个文件 files (%d MB), %s\n", loaded.Changes, loaded.Files, loaded.Bytes>>20, time.Since(start).Round(10*time.Millisecond))
	return nil
}

func describe(m *month.Month) sample {
	s := sample{Centre: m.Centre, Story: somebody{m.Story.ID, m.Story.Name}, Demo: somebody{m.Demo.ID, m.Demo.Name}}
	for _, p := range m.People {
		if p.Login != "" {
			s.Users = append(s.Users, user{p.Role, p.Login})
		}
	}
	return s
}

func (s sample) accounts() []console.Account {
	out := make([]console.Account, len(s.Users))
	for i, u := range s.Users {
		out[i] = console.Account{Role: string(u.Role), User: u.Login, Password: month.Password}
	}
	return out
}
