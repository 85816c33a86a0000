package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/syncproto"
)

const customerLine = `
	SELECT c.id, COALESCE(c."name", ''), COALESCE(c."phone", ''), COALESCE(c."address", '')
	FROM state_customer c`

// readCustomerLines reads what customerLine selects, and then counts contracts
// and jobs of all of them at once.
func readCustomerLines(ctx context.Context, tx *sql.Tx, centre uuid.UUID, text string, args ...any) ([]report.CustomerLine, error) {
	rows, err := tx.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []report.CustomerLine
	for rows.Next() {
		var c report.CustomerLine
		var id []byte
		if err := rows.Scan(&id, &c.Name, &c.Phone, &c.Address); err != nil {
			return nil, err
		}
		c.ID = idOf(id)
		out = append(out, c)
	}
	if err := rows.Err(); err != nil || len(out) == 0 {
		return out, err
	}
	return out, countCustomers(ctx, tx, centre, out)
}

func countCustomers(ctx context.Context, tx *sql.Tx, centre uuid.UUID, lines []report.CustomerLine) error {
	at := make(map[uuid.UUID]*report.CustomerLine, len(lines))
	ids := make([]uuid.UUID, len(lines))
	for i := range lines {
		at[lines[i].ID], ids[i] = &lines[i], lines[i].ID
	}
	w := &condition{}
	w.bind(centre[:])
	rows, err := tx.QueryContext(ctx, `
		SELECT k."customer", 1, COUNT(*), 0
		FROM state_contract k
		WHERE k.centre = $1 AND k."customer" IN `+w.in(ids)+` AND k.deleted = 0
		GROUP BY k."customer"
		UNION ALL
		SELECT j."customer", 2, COUNT(*), COALESCE(MAX(j."intake_at"), 0)
		FROM state_job j
		WHERE j.centre = $1 AND j."customer" IN `+w.in(ids)+` AND j.deleted = 0
		GROUP BY j."customer"`, w.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id []byte
		var what, n int
		var last int64
		if err := rows.Scan(&id, &what, &n, &last); err != nil {
			return err
		}
		c := at[idOf(id)]
		switch {
		case c == nil:
		case what == 1:
			c.Contracts = n
		default:
			c.Jobs, c.LastJob = n, last
		}
	}
	return rows.Err()
}

// Customers satisfies report.Customers.
func (s *Store) Customers(ctx context.Context, centre uuid.UUID, limit, offset int) ([]report.CustomerLine, int, error) {
	var out []report.CustomerLine
	var total int
	err := s.View(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `
			SELECT COUNT(*)
			FROM (
				SELECT 1
				FROM state_customer
				WHERE centre = $1 AND deleted = 0
				LIMIT `+strconv.Itoa(countTo)+`
			) AS counted`, centre[:]).Scan(&total)
		if err != nil {
			return err
		}
		out, err = readCustomerLines(ctx, tx, centre, customerLine+`
			WHERE c.centre = $1 AND c.deleted = 0
			ORDER BY c."name" NULLS FIRST, c.id
			LIMIT $2 OFFSET $3`, centre[:], int64(limit), int64(offset))
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list customers: %w", err)
	}
	return out, total, nil
}

// CustomerFile satisfies report.Customers.
func (s *Store) CustomerFile(ctx context.Context, centre, id uuid.UUID) (report.CustomerFile, error) {
	var f report.CustomerFile
	row, ok, err := s.StateRow(ctx, centre, "customer", id)
	if err != nil {
		return f, err
	}
	if !ok {
		return f, fault.New(syncproto.NotFound, "error.not-found")
	}
	f.Row = row
	if c := row.UUID("community"); c != uuid.Nil {
		community, _, err := s.StateRow(ctx, centre, "community", c)
		if err != nil {
			return f, err
		}
		f.Community = community.Text("name")
	}
	contracts, err := s.StateRows(ctx, centre, "contract", "customer", id)
	if err != nil {
		return f, err
	}
	for _, c := range contracts {
		items, err := s.StateRows(ctx, centre, "contract_item", "contract", c.ID)
		if err != nil {
			return f, err
		}
		f.Contracts = append(f.Contracts, report.ContractFile{Row: c, Items: items})
	}
	return f, nil
}

// KnownContracts satisfies office.Book.
func (s *Store) KnownContracts(ctx context.Context, centre uuid.UUID) (map[string]bool, error) {
	out := map[string]bool{}
	err := s.View(ctx, func(tx *sql.Tx) error {
		nos, err := texts(ctx, tx, `
			SELECT "contract_no"
			FROM state_contract
			WHERE centre = $1 AND deleted = 0 AND "contract_no" IS NOT NULL`, centre[:])
		for _, no := range nos {
			out[no] = true
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read contract numbers: %w", err)
	}
	return out, nil
}

// KnownCustomers satisfies office.Book.
func (s *Store) KnownCustomers(ctx context.Context, centre uuid.UUID) (map[string]uuid.UUID, error) {
	out := map[string]uuid.UUID{}
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT id, COALESCE("name", ''), COALESCE("phone", '')
			FROM state_customer
			WHERE centre = $1 AND deleted = 0
			ORDER BY id DESC`, centre[:])
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id []byte
			var name, phone string
			if err := rows.Scan(&id, &name, &phone); err != nil {
				return err
			}
			out[office.CustomerKey(name, phone)] = idOf(id)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read customers: %w", err)
	}
	return out, nil
}
