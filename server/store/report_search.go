package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"siteledger/server/report"
)

// bare is a telephone number without its separators.
const bare = `REPLACE(REPLACE(REPLACE(COALESCE(%s, ''), ' ', ''), '-', ''), '+86', '')`

// like makes a pattern of a typed text; its own wildcards mean themselves.
func like(before, text, after string) string {
	return before + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + after
}

// Search satisfies report.Searcher. It reads a centre's customers and jobs
// once: a trigram index would miss names of two characters.
func (s *Store) Search(ctx context.Context, centre uuid.UUID, q report.Query, limit int, now time.Time) (report.Found, error) {
	var f report.Found
	err := s.View(ctx, func(tx *sql.Tx) error {
		var err error
		if f.Customers, err = s.searchCustomers(ctx, tx, centre, q, limit+1); err != nil {
			return fmt.Errorf("customers: %w", err)
		}
		if f.Jobs, err = s.searchJobs(ctx, tx, centre, q, limit+1, now); err != nil {
			return fmt.Errorf("jobs: %w", err)
		}
		return nil
	})
	if err != nil {
		return report.Found{}, fmt.Errorf("search: %w", err)
	}
	if len(f.Customers) > limit {
		f.Customers, f.More = f.Customers[:limit], true
	}
	if len(f.Jobs) > limit {
		f.Jobs, f.More = f.Jobs[:limit], true
	}
	return f, nil
}

func (s *Store) searchCustomers(ctx context.Context, tx *sql.Tx, centre uuid.UUID, q report.Query, limit int) ([]report.CustomerLine, error) {
	w := &condition{}
	w.add("c.centre = %s", centre[:])
	w.parts = append(w.parts, "c.deleted = 0")
	contract := `c.id IN (
				SELECT k."customer"
				FROM state_contract k
				WHERE k.centre = ` + w.bind(centre[:]) + ` AND k.deleted = 0 AND k."contract_no" LIKE %s ESCAPE '\'
			)`
	if q.Digits != "" {
		w.add(fmt.Sprintf("("+bare+` LIKE %%s ESCAPE '\' OR `, `c."phone"`)+contract+")", "%"+q.Digits, "%"+q.Digits+"%")
	} else {
		any := like("%", q.Text, "%")
		w.add(`(c."name" LIKE %s ESCAPE '\' OR c."address" LIKE %s ESCAPE '\' OR `+contract+")", any, any, any)
	}
	return readCustomerLines(ctx, tx, centre, s.likes(customerLine+`
		WHERE `+w.text()+`
		ORDER BY c."name" NULLS FIRST, c.id
		LIMIT `+w.bind(int64(limit))), w.args...)
}

func (s *Store) searchJobs(ctx context.Context, tx *sql.Tx, centre uuid.UUID, q report.Query, limit int, now time.Time) ([]report.JobLine, error) {
	w := &condition{}
	w.add("j.centre = %s", centre[:])
	w.parts = append(w.parts, "j.deleted = 0")
	contact := `EXISTS (
				SELECT 1
				FROM state_job_contact c
				WHERE c.centre = j.centre AND c."job" = j.id AND c.deleted = 0 AND `
	if q.Digits != "" {
		any := "%" + q.Digits + "%"
		w.add(`(j."job_no" LIKE %s OR j."contract_no" LIKE %s OR `+contact+fmt.Sprintf(bare, `c."phone"`)+` LIKE %s
			))`, any, any, "%"+q.Digits)
	} else {
		any := like("%", q.Text, "%")
		w.add(`(j."job_no" LIKE %s ESCAPE '\' OR j."contract_no" LIKE %s ESCAPE '\' OR `+contact+`(c."name" LIKE %s ESCAPE '\' OR c."address" LIKE %s ESCAPE '\')
			))`, any, any, any, any)
	}
	return s.jobLines(ctx, tx, centre, w, limit, 0, now)
}
