package app

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/auth"
	"siteledger/server/config"
	"siteledger/server/ledger"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// FirstAccount is the administrator that the first start made. Password is
// empty where it came from a file.
type FirstAccount struct {
	Login, Password string
}

// Bootstrap makes what a first start needs: headquarters' stream, its
// administrator, and the centre that the configuration names. On a folder that
// has them it does nothing and gives nil.
func (c *Core) Bootstrap(ctx context.Context) (*FirstAccount, error) {
	hq, err := c.Headquarters(ctx)
	if err != nil || hq != uuid.Nil {
		return nil, err
	}
	if hq, err = newID(); err != nil {
		return nil, err
	}
	if err := c.CreateCentre(ctx, hq, "总部", "Headquarters", "-", true); err != nil {
		return nil, fmt.Errorf("headquarters: %w", err)
	}
	b := c.Config.Bootstrap
	if b.Centre != "" {
		id, err := newID()
		if err != nil {
			return nil, err
		}
		if err := c.CreateCentre(ctx, id, b.Centre, b.Centre, b.CentrePhone, false); err != nil {
			return nil, fmt.Errorf("first centre: %w", err)
		}
	}
	return c.firstAdmin(ctx, hq, b)
}

func (c *Core) firstAdmin(ctx context.Context, hq uuid.UUID, b config.Bootstrap) (*FirstAccount, error) {
	n := auth.NewPerson{Centre: hq, Name: "管理员", Login: b.Admin, Role: schema.Admin}
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
