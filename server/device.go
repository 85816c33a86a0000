package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"siteledger/server/app"
	"siteledger/server/auth"
	"siteledger/syncproto"
)

// device lists phones, revokes one, and prints codes for them.
func (p program) device(ctx context.Context, args []string) error {
	return p.verb("device", args, map[string]func([]string) error{
		"list":   func(a []string) error { return p.deviceList(ctx, a) },
		"code":   func(a []string) error { return p.deviceCode(ctx, a) },
		"permit": func(a []string) error { return p.devicePermit(ctx, a) },
		"revoke": func(a []string) error { return p.deviceRevoke(ctx, a) },
	}, "list, code, permit, revoke")
}

func (p program) deviceList(ctx context.Context, args []string) error {
	fs, settings := p.flags("device list", "data")
	cfg, err := p.parse(fs, settings, args)
	if err != nil {
		return err
	}
	return p.withData(ctx, cfg, func(c *app.Core) error {
		devices, err := c.Auth.DeviceList(ctx, auth.Operator())
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		for _, d := range devices {
			state := "active"
			if d.RevokedAt > 0 {
				state = "revoked " + time.UnixMilli(d.RevokedAt).Format(time.DateTime)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", d.ID, d.PersonName, d.Model, time.UnixMilli(d.EnrolledAt).Format(time.DateTime), state)
		}
		return w.Flush()
	})
}

// deviceCode prints one new code and nothing else on stdout.
func (p program) deviceCode(ctx context.Context, args []string) error {
	return p.onPerson(ctx, "device code", args, func(c *app.Core, person uuid.UUID) error {
		code, expires, err := c.Auth.OperatorCode(ctx, person)
		if err != nil {
			return err
		}
		fmt.Fprintln(p.out, code)
		fmt.Fprintf(p.err, "valid once, until %s\n", expires.Local().Format(time.DateTime))
		return nil
	})
}

func (p program) deviceRevoke(ctx context.Context, args []string) error {
	return p.onDevice(ctx, "device revoke", args, func(c *app.Core, id uuid.UUID) error {
		return c.Auth.RevokeDevice(ctx, auth.Operator(), id)
	})
}

// devicePermit prints the supervisor's code with which a phone may sign out
// although it has unsent work; the phone keeps that work aside.
func (p program) devicePermit(ctx context.Context, args []string) error {
	return p.onDevice(ctx, "device permit", args, func(c *app.Core, id uuid.UUID) error {
		code, err := c.Keys.SignJWS(syncproto.Permit{Device: id, Allow: syncproto.PermitSignOut})
		if err == nil {
			fmt.Fprintln(p.out, code)
		}
		return err
	})
}

// onDevice runs fn on the device that -device names.
func (p program) onDevice(ctx context.Context, name string, args []string, fn func(*app.Core, uuid.UUID) error) error {
	fs, settings := p.flags(name, "data")
	device := fs.String("device", "", "the device's id")
	cfg, err := p.parse(fs, settings, args)
	if err != nil {
		return err
	}
	id, err := uuid.Parse(*device)
	if err != nil {
		return p.misuse(fs, "-device: %v", err)
	}
	return p.withData(ctx, cfg, func(c *app.Core) error { return fn(c, id) })
}
