package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/auth"
	"siteledger/server/fault"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

var _ auth.Store = (*Store)(nil)

// Every statement on sign-in names, sessions and what was done to accounts. A
// person comes from state with the credential beside it.
const (
	accountColumns = `
			p.id,
			p.centre,
			COALESCE(p."name", ''),
			COALESCE(c.login, ''),
			COALESCE(p."role", ''),
			COALESCE(p."language", ''),
			COALESCE(p."active", 0),
			COALESCE(c.hash, '')`

	accountByLogin = `
		SELECT` + accountColumns + `
		FROM credential c
		JOIN state_person p ON p.centre = c.centre AND p.id = c.person AND p.deleted = 0
		WHERE c.login = $1`

	accountByID = `
		SELECT` + accountColumns + `
		FROM state_person p
		LEFT JOIN credential c ON c.person = p.id AND c.centre = p.centre
		WHERE p.id = $1 AND p.deleted = 0`

	accountsOf = `
		SELECT` + accountColumns + `
		FROM state_person p
		LEFT JOIN credential c ON c.person = p.id AND c.centre = p.centre
		WHERE p.deleted = 0 AND (p.centre = $1 OR $1 IS NULL)
		ORDER BY p."name" NULLS FIRST, p.id`

	// A name whose creation was interrupted: it has no person row and a minute
	// has passed.
	dropOrphan = `
		DELETE FROM credential
		WHERE login = $1
			AND person <> $2
			AND changed_at < $3
			AND NOT EXISTS (SELECT 1 FROM state_person p WHERE p.centre = credential.centre AND p.id = credential.person)`

	loginOwner = `SELECT person FROM credential WHERE login = $1`

	setCredential = `
		INSERT INTO credential (person, centre, login, hash, changed_at)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (person) DO UPDATE SET
			login = excluded.login,
			hash = excluded.hash,
			changed_at = excluded.changed_at`

	addSession   = `INSERT INTO session (digest, person, created_at, last_seen) VALUES ($1, $2, $3, $4)`
	dropSessions = `DELETE FROM session WHERE created_at < $1`

	sessionByDigest = `
		SELECT
			s.created_at,
			s.last_seen,` + accountColumns + `
		FROM session s
		JOIN state_person p ON p.id = s.person AND p.deleted = 0
		LEFT JOIN credential c ON c.person = p.id AND c.centre = p.centre
		WHERE s.digest = $1`

	touchSession = `UPDATE session SET last_seen = $2 WHERE digest = $1 AND last_seen < $2`
	endSession   = `DELETE FROM session WHERE digest = $1`
	endSessions  = `DELETE FROM session WHERE person = $1`

	addEvent = `INSERT INTO auth_event (at, actor, action, subject) VALUES ($1, $2, $3, $4)`

	eventsOf = `
		SELECT
			at,
			actor,
			action,
			subject
		FROM auth_event
		WHERE subject = $1
		ORDER BY id DESC
		LIMIT $2`
)

// AccountByLogin implements [auth.Accounts].
func (s *Store) AccountByLogin(ctx context.Context, login string) (auth.Account, error) {
	return s.account(ctx, accountByLogin, storable(login))
}

// AccountByID implements [auth.Accounts].
func (s *Store) AccountByID(ctx context.Context, person uuid.UUID) (auth.Account, error) {
	return s.account(ctx, accountByID, person[:])
}

func (s *Store) account(ctx context.Context, text string, key any) (auth.Account, error) {
	var a auth.Account
	row, err := s.read(ctx, text)
	if err != nil {
		return a, err
	}
	err = scanAccount(row.QueryRowContext(ctx, key), &a)
	return a, absent(err, "没有此人员 · There is no such person")
}

// Accounts implements [auth.Accounts].
func (s *Store) Accounts(ctx context.Context, centre uuid.UUID) ([]auth.Account, error) {
	return list(ctx, s, accountsOf, func(row scanner, a *auth.Account) error { return scanAccount(row, a) }, anyCentre(centre))
}

func scanAccount(row scanner, a *auth.Account, before ...any) error {
	var id, centre []byte
	var role string
	dest := append(before, &id, &centre, &a.Name, &a.Login, &role, &a.Language, &a.Active, &a.Hash)
	if err := row.Scan(dest...); err != nil {
		return err
	}
	a.ID, a.Centre, a.Role = uuid.UUID(id), uuid.UUID(centre), schema.Role(role)
	return nil
}

// SetCredential implements [auth.Accounts].
func (s *Store) SetCredential(ctx context.Context, c auth.Credential) error {
	return s.Update(ctx, func(tx *sql.Tx) error {
		const minute = 60_000
		if _, err := tx.ExecContext(ctx, dropOrphan, c.Login, c.Person[:], c.At-minute); err != nil {
			return fmt.Errorf("free sign-in name: %w", err)
		}
		var owner []byte
		err := tx.QueryRowContext(ctx, loginOwner, c.Login).Scan(&owner)
		if err == nil && uuid.UUID(owner) != c.Person {
			return fault.New(fault.Invalid, "登录名已被使用 · This sign-in name is taken")
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("look for sign-in name: %w", err)
		}
		if _, err := tx.ExecContext(ctx, setCredential, c.Person[:], c.Centre[:], c.Login, c.Hash, c.At); err != nil {
			return fmt.Errorf("set sign-in name: %w", err)
		}
		_, err = tx.ExecContext(ctx, endSessions, c.Person[:])
		return err
	})
}

// AddSession implements [auth.Sessions].
func (s *Store) AddSession(ctx context.Context, r auth.SessionRecord, cut int64) error {
	return s.Update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, dropSessions, cut); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, addSession, r.Digest[:], r.Person[:], r.Created, r.LastSeen)
		return err
	})
}

// SessionByDigest implements [auth.Sessions].
func (s *Store) SessionByDigest(ctx context.Context, digest [32]byte) (auth.SessionRecord, auth.Account, error) {
	rec, acc := auth.SessionRecord{Digest: digest}, auth.Account{}
	row, err := s.read(ctx, sessionByDigest)
	if err != nil {
		return rec, acc, err
	}
	err = scanAccount(row.QueryRowContext(ctx, digest[:]), &acc, &rec.Created, &rec.LastSeen)
	rec.Person = acc.ID
	return rec, acc, absent(err, "no such session")
}

// TouchSession implements [auth.Sessions].
func (s *Store) TouchSession(ctx context.Context, digest [32]byte, at int64) error {
	return s.exec(ctx, touchSession, digest[:], at)
}

// EndSession implements [auth.Sessions].
func (s *Store) EndSession(ctx context.Context, digest [32]byte) error {
	return s.exec(ctx, endSession, digest[:])
}

// EndSessions implements [auth.Sessions].
func (s *Store) EndSessions(ctx context.Context, person uuid.UUID) error {
	return s.exec(ctx, endSessions, person[:])
}

// AddEvent implements [auth.Events].
func (s *Store) AddEvent(ctx context.Context, e auth.Event) error {
	return s.exec(ctx, addEvent, e.At, e.By[:], e.Action, e.Subject[:])
}

// EventsOf implements [auth.Events].
func (s *Store) EventsOf(ctx context.Context, subject uuid.UUID, limit int) ([]auth.Event, error) {
	return list(ctx, s, eventsOf, func(row scanner, e *auth.Event) error {
		var by, about []byte
		if err := row.Scan(&e.At, &by, &e.Action, &about); err != nil {
			return err
		}
		e.By, e.Subject = uuid.UUID(by), uuid.UUID(about)
		return nil
	}, subject[:], limit)
}

// exec runs one durable statement.
func (s *Store) exec(ctx context.Context, text string, args ...any) error {
	return s.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, text, args...)
		return err
	})
}

// list reads all rows of a query on one snapshot.
func list[T any](ctx context.Context, s *Store, text string, scan func(scanner, *T) error, args ...any) ([]T, error) {
	st, err := s.read(ctx, text)
	if err != nil {
		return nil, err
	}
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return nil, told(err)
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		var v T
		if err := scan(rows, &v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, told(rows.Err())
}

// absent turns "no rows" into a NotFound fault, and a database that is away
// into Busy: whoever asks for a session must not take that for a wrong one.
func absent(err error, message string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fault.New(syncproto.NotFound, message)
	}
	return told(err)
}

// anyCentre is a centre's bind, or NULL for all of them.
func anyCentre(centre uuid.UUID) any {
	if centre == uuid.Nil {
		return nil
	}
	return centre[:]
}
