package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/google/uuid"

	"siteledger/server/app"
	"siteledger/server/auth"
	"siteledger/server/config"
	"siteledger/syncproto/schema"
)

// withData opens a data folder that is there already: a mistyped -data must not
// make a new one.
func (p program) withData(ctx context.Context, cfg config.Config, fn func(*app.Core) error) error {
	if err := hasData(cfg); err != nil {
		return err
	}
	return p.withCore(ctx, cfg, fn)
}

func hasData(cfg config.Config) error {
	if cfg.Database.External() {
		return nil // it says so itself where it is not there
	}
	if _, err := os.Stat(filepath.Join(cfg.Data, app.DatabaseName)); err != nil {
		return fmt.Errorf("no data here (-data names the folder): %w", err)
	}
	return nil
}

// withCore opens the data folder for a command, making it where it is missing.
func (p program) withCore(ctx context.Context, cfg config.Config, fn func(*app.Core) error) (err error) {
	core, err := app.OpenCore(ctx, cfg, p.logger(cfg.Log))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, core.Close()) }()
	first, err := core.Bootstrap(ctx)
	if err != nil {
		return err
	}
	if first != nil {
		fmt.Fprintf(p.err, "new data folder; administrator %s, password (shown this once): %s\n", first.Login, first.Password)
	}
	return fn(core)
}

// centre adds and lists service centres.
func (p program) centre(ctx context.Context, args []string) error {
	return p.verb("centre", args, map[string]func([]string) error{
		"add":  func(a []string) error { return p.centreAdd(ctx, a) },
		"list": func(a []string) error { return p.centreList(ctx, a) },
	}, "add, list")
}

func (p program) centreAdd(ctx context.Context, args []string) error {
	fs, settings := p.flags("centre add", "data")
	name := fs.String("name", "", "name of the service centre")
	english := fs.String("name-en", "", "its English name")
	phone := fs.String("phone", "", "its service line")
	cfg, err := p.parse(fs, settings, args)
	if err != nil {
		return err
	}
	if *name == "" {
		return p.misuse(fs, "-name is needed")
	}
	return p.withCore(ctx, cfg, func(c *app.Core) error {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		if err := c.CreateCentre(ctx, id, *name, *english, *phone, false); err != nil {
			return err
		}
		fmt.Fprintln(p.out, id)
		return nil
	})
}

func (p program) centreList(ctx context.Context, args []string) error {
	fs, settings := p.flags("centre list", "data")
	cfg, err := p.parse(fs, settings, args)
	if err != nil {
		return err
	}
	return p.withData(ctx, cfg, func(c *app.Core) error {
		streams, err := c.Store.Streams(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		for _, s := range streams {
			kind := "centre"
			if s.Headquarters {
				kind = "headquarters"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\n", s.ID, kind, s.Name)
		}
		return w.Flush()
	})
}

// user adds and lists people and their sign-in.
func (p program) user(ctx context.Context, args []string) error {
	return p.verb("user", args, map[string]func([]string) error{
		"add":      func(a []string) error { return p.userAdd(ctx, a) },
		"list":     func(a []string) error { return p.userList(ctx, a) },
		"password": func(a []string) error { return p.userPassword(ctx, a) },
		"disable":  func(a []string) error { return p.userActive(ctx, "user disable", a, false) },
		"enable":   func(a []string) error { return p.userActive(ctx, "user enable", a, true) },
	}, "add, list, password, disable, enable")
}

func (p program) userAdd(ctx context.Context, args []string) error {
	fs, settings := p.flags("user add", "data")
	centre := fs.String("centre", "", "id of the service centre; empty for headquarters' people")
	name := fs.String("name", "", "the person's name")
	login := fs.String("login", "", "sign-in name; empty for one who only has a phone")
	role := fs.String("role", "", "installer, clerk, supervisor, adjudicator or admin")
	secret := fs.String("password-file", "", "file with the password; empty: one is made up and printed once")
	cfg, err := p.parse(fs, settings, args)
	if err != nil {
		return err
	}
	given, err := passwordFrom(*secret)
	if err != nil {
		return err
	}
	if *name == "" || *role == "" {
		return p.misuse(fs, "-name and -role are needed")
	}
	return p.withCore(ctx, cfg, func(c *app.Core) error {
		at, err := c.Headquarters(ctx)
		if err != nil {
			return err
		}
		if *centre != "" {
			if at, err = uuid.Parse(*centre); err != nil {
				return fmt.Errorf("-centre: %w", err)
			}
		}
		person, password, err := c.Auth.CreatePerson(ctx, auth.Operator(), auth.NewPerson{Centre: at, Name: *name, Login: *login, Password: given, Role: schema.Role(*role)})
		if err != nil {
			return err
		}
		fmt.Fprintf(p.out, "person: %s\n", person.ID)
		if password != "" && given == "" {
			fmt.Fprintf(p.out, "password (shown this once): %s\n", password)
		}
		return nil
	})
}

func (p program) userList(ctx context.Context, args []string) error {
	fs, settings := p.flags("user list", "data")
	cfg, err := p.parse(fs, settings, args)
	if err != nil {
		return err
	}
	return p.withData(ctx, cfg, func(c *app.Core) error {
		people, err := c.Auth.People(ctx, auth.Operator())
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		for _, q := range people {
			state := "active"
			if !q.Active {
				state = "disabled"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", q.ID, q.Role, q.Name, q.Login, state, q.Centre)
		}
		return w.Flush()
	})
}

func (p program) userPassword(ctx context.Context, args []string) error {
	return p.onPerson(ctx, "user password", args, func(c *app.Core, id uuid.UUID) error {
		password, err := c.Auth.SetPassword(ctx, auth.Operator(), id, "")
		if err == nil {
			fmt.Fprintf(p.out, "password (shown this once): %s\n", password)
		}
		return err
	})
}

func (p program) userActive(ctx context.Context, name string, args []string, active bool) error {
	return p.onPerson(ctx, name, args, func(c *app.Core, id uuid.UUID) error {
		return c.Auth.SetActive(ctx, auth.Operator(), id, active)
	})
}

// passwordFrom reads a password from its file; "" for no file.
func passwordFrom(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return config.ReadSecret(path)
}

// onPerson runs fn on the person that -person names.
func (p program) onPerson(ctx context.Context, name string, args []string, fn func(*app.Core, uuid.UUID) error) error {
	fs, settings := p.flags(name, "data")
	person := fs.String("person", "", "the person's id, or sign-in name")
	cfg, err := p.parse(fs, settings, args)
	if err != nil {
		return err
	}
	if *person == "" {
		return p.misuse(fs, "-person is needed: an id or sign-in name that user list shows")
	}
	return p.withData(ctx, cfg, func(c *app.Core) error {
		id, err := findPerson(ctx, c, *person)
		if err != nil {
			return err
		}
		return fn(c, id)
	})
}

func findPerson(ctx context.Context, c *app.Core, name string) (uuid.UUID, error) {
	if id, err := uuid.Parse(name); err == nil {
		return id, nil
	}
	people, err := c.Auth.People(ctx, auth.Operator())
	if err != nil {
		return uuid.Nil, err
	}
	for _, q := range people {
		if q.Login != "" && q.Login == name {
			return q.ID, nil
		}
	}
	return uuid.Nil, fmt.Errorf("-person: nobody has the id or sign-in name %q", name)
}
