package app

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/auth"
	"siteledger/server/config"
	"siteledger/server/ledger"
	"siteledger/server/store"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// FirstAccount is the administrator that the first start made. Password is
// empty where it came from a file.
type FirstAccount struct {
	Login, Password string
}

// Bootstrap makes what a first start needs: headquarters' stream, its
// administrator, and the centre that the configuration names. What is there
// already it leaves alone, so that a first start that was cut off is finished
// by the next; it gives nil where an administrator exists.
func (c *Core) Bootstrap(ctx context.Context) (*FirstAccount, error) {
	b := c.Config.Bootstrap
	streams, err := c.Store.Streams(ctx)
	if err != nil {
		return nil, err
	}
	hq, err := c.ensureCentre(ctx, streams, true, "总部", "Headquarters", "")
	if err != nil {
		return nil, fmt.Errorf("headquarters: %w", err)
	}
	if _, err := c.Headquarters(ctx); err != nil {
		return nil, err
	}
	if err := c.Upgrade(ctx); err != nil {
		return nil, err
	}
	if b.Centre != "" {
		if _, err := c.ensureCentre(ctx, streams, false, b.Centre, b.Centre, b.CentrePhone); err != nil {
			return nil, fmt.Errorf("first centre: %w", err)
		}
	}
	people, err := c.Store.Accounts(ctx, hq)
	if err != nil {
		return nil, err
	}
	for _, p := range people {
		if p.Role == schema.Admin {
			return nil, nil
		}
	}
	return c.firstAdmin(ctx, hq, b)
}

// ensureCentre finds the first stream of a kind, or makes it; a stream whose
// row is missing gets it.
func (c *Core) ensureCentre(ctx context.Context, streams []store.StreamInfo, headquarters bool, name, nameEN, phone string) (uuid.UUID, error) {
	for _, s := range streams {
		if s.Headquarters == headquarters {
			if s.Name != "" {
				return s.ID, nil
			}
			return s.ID, c.CreateCentre(ctx, s.ID, name, nameEN, phone, headquarters)
		}
	}
	id, err := newID()
	if err != nil {
		return uuid.Nil, err
	}
	return id, c.CreateCentre(ctx, id, name, nameEN, phone, headquarters)
}

func (c *Core) firstAdmin(ctx context.Context, hq uuid.UUID, b config.Bootstrap) (*FirstAccount, error) {
	n := auth.NewPerson{ID: firstAdminID(hq), Centre: hq, Name: "管理员", Login: b.Admin, Role: schema.Admin}
	if b.AdminPasswordFile != "" {
		password, err := config.ReadSecret(b.AdminPasswordFile)
		if err != nil {
			return nil, err
		}
		n.Password = password
	}
	p, password, err := c.Auth.CreatePerson(ctx, auth.Operator(), n)
	if err != nil {
		return nil, fmt.Errorf("first administrator: %w", err)
	}
	out := &FirstAccount{Login: p.Login, Password: password}
	if b.AdminPasswordFile != "" {
		out.Password = ""
	}
	return out, nil
}

// firstAdminID is the same at every try, so that a first start that was cut off
// between the sign-in name and the person's row takes its own name again. It
// is headquarters' UUIDv7 with another random end.
func firstAdminID(hq uuid.UUID) uuid.UUID {
	sum := sha256.Sum256(append([]byte("siteledger first administrator "), hq[:]...))
	id := hq
	copy(id[9:], sum[:])
	return id
}

// CreateCentre makes a stream and its centre row.
func (c *Core) CreateCentre(ctx context.Context, id uuid.UUID, name, nameEN, phone string, headquarters bool) error {
	if err := c.Ledger.CreateStream(ctx, id, headquarters); err != nil {
		return err
	}
	if headquarters {
		if _, err := c.Headquarters(ctx); err != nil {
			return err
		}
	}
	if phone == "" {
		phone = "-"
	}
	_, err := c.Ledger.Write(ctx, id, ledger.Author{Role: schema.Server}, []ledger.Edit{{
		Table: "centre", Row: id, Op: changelog.Insert,
		Cols: map[string]any{"name": name, "name_en": nameEN, "phone": phone, "headquarters": headquarters},
	}})
	return err
}
