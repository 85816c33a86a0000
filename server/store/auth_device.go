package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"

	"siteledger/server/auth"
	"siteledger/server/fault"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// Every statement on enrolment codes, refresh families, devices and receipt
// blocks. A device comes from state with its person beside it.
const (
	addCode = `
		INSERT INTO enrol_code (digest, centre, person, issued_by, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6)`
	dropCodes = `DELETE FROM enrol_code WHERE expires_at < $1`

	codeByDigest = `
		SELECT
			centre,
			person,
			issued_by,
			created_at,
			expires_at,
			claimed_key,
			device,
			family,
			claimed_at
		FROM enrol_code
		WHERE digest = $1`

	claimCode = `
		UPDATE enrol_code
		SET claimed_key = $2, device = $3, family = $4, claimed_at = $5
		WHERE digest = $1 AND claimed_key IS NULL`

	endFamilies = `
		UPDATE refresh_family
		SET ended_at = $2, ended_why = 'replaced'
		WHERE device = $1 AND ended_at = 0`

	addFamily = `
		INSERT INTO refresh_family (id, centre, device, salt, gen, last_used)
		VALUES ($1, $2, $3, $4, $5, $6)`

	familyByID = `
		SELECT
			centre,
			device,
			salt,
			gen,
			last_used,
			ended_at,
			ended_why
		FROM refresh_family
		WHERE id = $1`

	saveFamily = `
		UPDATE refresh_family
		SET gen = $2, last_used = $3, ended_at = $4, ended_why = $5
		WHERE id = $1`

	deviceColumns = `
			d.id,
			d.centre,
			d."person",
			COALESCE(p."name", ''),
			COALESCE(p."role", ''),
			COALESCE(p."active", 0),
			COALESCE(d."platform", ''),
			COALESCE(d."model", ''),
			COALESCE(d."app", ''),
			d."public_key",
			COALESCE(d."enrolled_at", 0),
			COALESCE(d."revoked_at", 0)
		FROM state_device d
		LEFT JOIN state_person p ON p.centre = d.centre AND p.id = d."person" AND p.deleted = 0`

	deviceOf   = `SELECT` + deviceColumns + ` WHERE d.centre = $1 AND d.id = $2 AND d.deleted = 0`
	deviceByID = `SELECT` + deviceColumns + ` WHERE d.id = $1 AND d.deleted = 0`
	devicesOf  = `SELECT` + deviceColumns + ` WHERE d.deleted = 0 AND (d.centre = $1 OR $1 IS NULL) ORDER BY d."enrolled_at" DESC NULLS LAST, d.id`

	leasesOf = `
		SELECT
			id,
			"device",
			"first",
			"last"
		FROM state_receipt_range
		WHERE centre = $1 AND "prefix" = $2 AND deleted = 0
		ORDER BY "first"`
)

// AddCode implements [auth.Codes].
func (s *Store) AddCode(ctx context.Context, c auth.Code, cut int64) error {
	return s.Update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, dropCodes, cut); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, addCode, c.Digest[:], c.Centre[:], c.Person[:], c.By[:], c.Created, c.Expires)
		return err
	})
}

// CodeByDigest implements [auth.Codes].
func (s *Store) CodeByDigest(ctx context.Context, digest [32]byte) (auth.Code, error) {
	c := auth.Code{Digest: digest}
	row, err := s.read(ctx, codeByDigest)
	if err != nil {
		return c, err
	}
	var centre, person, by, device, family []byte
	err = row.QueryRowContext(ctx, digest[:]).Scan(&centre, &person, &by, &c.Created, &c.Expires, &c.Key, &device, &family, &c.ClaimedAt)
	if err != nil {
		return c, absent(err, "no such code")
	}
	c.Centre, c.Person, c.By = uuid.UUID(centre), uuid.UUID(person), uuid.UUID(by)
	if c.Key != nil {
		c.Device, c.Family = uuid.UUID(device), uuid.UUID(family)
	}
	return c, nil
}

// ClaimCode implements [auth.Codes].
func (s *Store) ClaimCode(ctx context.Context, c auth.Code) error {
	return s.Update(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, claimCode, c.Digest[:], c.Key, c.Device[:], c.Family[:], c.ClaimedAt)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return errors.Join(err, fault.New(syncproto.NotFound, "no such code"))
		}
		return nil
	})
}

// AddFamily implements [auth.Families].
func (s *Store) AddFamily(ctx context.Context, f auth.Family) error {
	return s.Update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, endFamilies, f.Device[:], f.LastUsed); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, addFamily, f.ID[:], f.Centre[:], f.Device[:], f.Salt[:], f.Gen, f.LastUsed)
		return err
	})
}

// Family implements [auth.Families].
func (s *Store) Family(ctx context.Context, id uuid.UUID) (auth.Family, error) {
	row, err := s.read(ctx, familyByID)
	if err != nil {
		return auth.Family{}, err
	}
	return scanFamily(id, row.QueryRowContext(ctx, id[:]))
}

// ChangeFamily implements [auth.Families].
func (s *Store) ChangeFamily(ctx context.Context, id uuid.UUID, fn func(*auth.Family) error) error {
	return s.Update(ctx, func(tx *sql.Tx) error {
		f, err := scanFamily(id, tx.QueryRowContext(ctx, familyByID, id[:]))
		if err != nil {
			return err
		}
		if err := fn(&f); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, saveFamily, id[:], f.Gen, f.LastUsed, f.Ended, f.Why)
		return err
	})
}

func scanFamily(id uuid.UUID, row scanner) (auth.Family, error) {
	f := auth.Family{ID: id}
	var centre, device, salt []byte
	if err := row.Scan(&centre, &device, &salt, &f.Gen, &f.LastUsed, &f.Ended, &f.Why); err != nil {
		return f, absent(err, "no such family")
	}
	f.Centre, f.Device, f.Salt = uuid.UUID(centre), uuid.UUID(device), [16]byte(salt)
	return f, nil
}

// Device implements [auth.Devices].
func (s *Store) Device(ctx context.Context, centre, id uuid.UUID) (auth.DeviceRecord, error) {
	return s.device(ctx, deviceOf, centre[:], id[:])
}

// DeviceByID implements [auth.Devices].
func (s *Store) DeviceByID(ctx context.Context, id uuid.UUID) (auth.DeviceRecord, error) {
	return s.device(ctx, deviceByID, id[:])
}

func (s *Store) device(ctx context.Context, text string, keys ...any) (auth.DeviceRecord, error) {
	var d auth.DeviceRecord
	row, err := s.read(ctx, text)
	if err != nil {
		return d, err
	}
	err = scanDevice(row.QueryRowContext(ctx, keys...), &d)
	return d, absent(err, "没有此设备 · There is no such device")
}

// Devices implements [auth.Devices].
func (s *Store) Devices(ctx context.Context, centre uuid.UUID) ([]auth.DeviceRecord, error) {
	return list(ctx, s, devicesOf, scanDevice, anyCentre(centre))
}

func scanDevice(row scanner, d *auth.DeviceRecord) error {
	var id, centre, person []byte
	var role string
	err := row.Scan(&id, &centre, &person, &d.PersonName, &role, &d.Active, &d.Platform, &d.Model, &d.App, &d.Key, &d.EnrolledAt, &d.RevokedAt)
	if err != nil {
		return err
	}
	d.ID, d.Centre, d.Person, d.Role = uuid.UUID(id), uuid.UUID(centre), uuid.UUID(person), schema.Role(role)
	return nil
}

// Leases implements [auth.Devices].
func (s *Store) Leases(ctx context.Context, centre uuid.UUID, prefix string) ([]auth.Lease, error) {
	return list(ctx, s, leasesOf, func(row scanner, l *auth.Lease) error {
		var id, device []byte
		if err := row.Scan(&id, &device, &l.First, &l.Last); err != nil {
			return err
		}
		l.Row, l.Device = uuid.UUID(id), uuid.UUID(device)
		return nil
	}, centre[:], prefix)
}
