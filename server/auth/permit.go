package auth

import (
	"context"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// PermitSignOut makes the supervisor's code with which one phone may sign out
// although it has unsent work; the phone keeps that work aside. Only a
// supervisor of the phone's own centre, or an administrator, gives one, and it
// is noted who did.
func (a *Auth) PermitSignOut(ctx context.Context, by Person, device uuid.UUID) (string, error) {
	d, err := a.cfg.Store.DeviceByID(ctx, device)
	if err != nil {
		return "", err
	}
	switch {
	case by.Role != schema.Admin && by.Centre != d.Centre:
		return "", fault.New(syncproto.NotFound, "没有此设备 · There is no such device")
	case by.Role != schema.Admin && by.Role != schema.Supervisor:
		return "", fault.New(syncproto.Forbidden, "没有权限 · You may not do this")
	}
	code, err := a.cfg.Keys.SignJWS(syncproto.Permit{Device: d.ID, Allow: syncproto.PermitSignOut})
	if err != nil {
		return "", err
	}
	return code, a.note(ctx, by, "device-permit", d.ID)
}
