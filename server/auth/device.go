package auth

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// DeviceRecord is a device's row with what its person's row says of it. Times
// are Unix milliseconds; RevokedAt is 0 for one that is not revoked.
type DeviceRecord struct {
	ID, Centre, Person   uuid.UUID
	PersonName           string
	Role                 schema.Role
	Active               bool // the person
	Platform, Model, App string
	Key                  []byte
	EnrolledAt           int64
	RevokedAt            int64
}

// Devices reads device and receipt rows from state.
type Devices interface {
	// Device finds a device of a centre; a NotFound fault for an unknown one.
	Device(ctx context.Context, centre, id uuid.UUID) (DeviceRecord, error)
	// DeviceByID finds a device of any centre; a NotFound fault for an unknown
	// one.
	DeviceByID(ctx context.Context, id uuid.UUID) (DeviceRecord, error)
	// Devices lists a centre's devices, newest first; uuid.Nil lists all.
	Devices(ctx context.Context, centre uuid.UUID) ([]DeviceRecord, error)
	// Leases lists the receipt blocks of a prefix in one centre, by number.
	Leases(ctx context.Context, centre uuid.UUID, prefix string) ([]Lease, error)
}

func (d DeviceRecord) ledger() ledger.Device {
	return ledger.Device{
		ID: d.ID, Person: d.Person, Centre: d.Centre, Role: d.Role, Key: ed25519.PublicKey(d.Key),
		Revoked: d.RevokedAt != 0 || !d.Active,
	}
}

// DeviceList lists the devices that somebody may see: an administrator all, a
// clerk or supervisor those of the centre.
func (a *Auth) DeviceList(ctx context.Context, by Person) ([]DeviceRecord, error) {
	centre := by.Centre
	switch by.Role {
	case schema.Admin:
		centre = uuid.Nil
	case schema.Clerk, schema.Supervisor:
	default:
		return nil, fault.New(syncproto.Forbidden, "没有权限 · You may not list devices")
	}
	list, err := a.cfg.Store.Devices(ctx, centre)
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	return list, nil
}

// RevokeDevice shuts a device out from its next call on. What it still pushes
// within its token's life is kept in quarantine. Revoking twice is no error. A
// device of another centre is a NotFound fault.
func (a *Auth) RevokeDevice(ctx context.Context, by Person, device uuid.UUID) error {
	d, err := a.cfg.Store.DeviceByID(ctx, device)
	if err != nil {
		return err
	}
	if by.Role != schema.Admin {
		if by.Centre != d.Centre {
			return fault.New(syncproto.NotFound, "没有此设备 · There is no such device")
		}
		if by.Role != schema.Supervisor && by.Role != schema.Clerk {
			return fault.New(syncproto.Forbidden, "没有权限注销设备 · You may not revoke devices")
		}
	}
	if d.RevokedAt != 0 {
		return nil
	}
	_, err = a.cfg.Journal.Write(ctx, d.Centre, system(), []ledger.Edit{{
		Table: "device", Row: d.ID, Op: changelog.Update,
		Cols: map[string]any{"revoked_at": a.cfg.Now().UnixMilli()}, Was: map[string]any{"revoked_at": nil},
	}})
	if err != nil {
		return fmt.Errorf("revoke device: %w", err)
	}
	return a.note(ctx, by, "device-revoked", d.ID)
}
