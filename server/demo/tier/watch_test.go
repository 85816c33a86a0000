package tier_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"modernc.org/sqlite"
)

// watched is SQLite with an ear: it asks for the plan of every statement that
// is prepared, and keeps it.
type watched struct {
	driver.Driver
	mu    sync.Mutex
	plans map[string][]string // by text
}

// newWatched registers a watched SQLite under a name.
func newWatched(name string) *watched {
	w := &watched{Driver: &sqlite.Driver{}, plans: map[string][]string{}}
	sql.Register(name, w)
	return w
}

// forget drops what was heard so far.
func (w *watched) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.plans = map[string][]string{}
}

func (w *watched) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.plans)
}

func (w *watched) Open(name string) (driver.Conn, error) {
	c, err := w.Driver.Open(name)
	if err != nil {
		return nil, err
	}
	return &watchedConn{Conn: c, w: w}, nil
}

type watchedConn struct {
	driver.Conn
	w *watched
}

// BeginTx and the others are what database/sql asks of a connection.
func (c *watchedConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

func (c *watchedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.hear(query)
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
}

func (c *watchedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.hear(query)
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (c *watchedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.hear(query)
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c *watchedConn) ResetSession(ctx context.Context) error {
	return c.Conn.(driver.SessionResetter).ResetSession(ctx)
}

func (c *watchedConn) hear(query string) {
	first, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(query)), " ")
	first = strings.TrimSpace(strings.SplitN(first, "\n", 2)[0])
	switch first {
	case "SELECT", "WITH", "UPDATE", "DELETE":
	default:
		return
	}
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if _, ok := c.w.plans[query]; ok {
		return
	}
	c.w.plans[query] = c.plan(query)
}

// plan asks SQLite how it would go about a statement. Parameters have no
// values: the plan does not hang on them.
func (c *watchedConn) plan(query string) []string {
	args := make([]driver.NamedValue, strings.Count(query, "?")+highest(query))
	for i := range args {
		args[i] = driver.NamedValue{Ordinal: i + 1}
	}
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+query, args)
	if err != nil {
		return []string{"no plan: " + err.Error()}
	}
	defer rows.Close()
	var out []string
	dest := make([]driver.Value, len(rows.Columns()))
	for rows.Next(dest) == nil {
		out = append(out, fmt.Sprint(dest[len(dest)-1]))
	}
	return out
}

var binds = regexp.MustCompile(`\$(\d+)`)

func highest(query string) int {
	most := 0
	for _, m := range binds.FindAllStringSubmatch(query, -1) {
		n := 0
		_, _ = fmt.Sscan(m[1], &n)
		most = max(most, n)
	}
	return most
}

var tables = regexp.MustCompile(`(?i)(?:FROM|JOIN|UPDATE|,)\s+(\w+)(?:\s+(?:AS\s+)?(\w+))?`)

// wide lists what statements read of a table that grows with the months
// without an index that leads further than to the centre.
func (w *watched) wide(t *testing.T, allowed map[string]string) (out []string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	used := map[string]bool{}
	for query, plan := range w.plans {
		names := map[string]string{}
		for _, m := range tables.FindAllStringSubmatch(query, -1) {
			names[m[1]] = m[1]
			if m[2] != "" && !strings.Contains(" WHERE ORDER LEFT JOIN CROSS ON SET GROUP LIMIT UNION ", " "+strings.ToUpper(m[2])+" ") {
				names[m[2]] = m[1]
			}
		}
		for _, line := range plan {
			if strings.HasPrefix(line, "no plan") {
				out = append(out, line+" of "+query)
				continue
			}
			table, bad := read(line, names)
			if !bad {
				continue
			}
			why := ""
			for k, v := range allowed {
				if tbl, part, _ := strings.Cut(k, ": "); tbl == table && strings.Contains(query, part) {
					why, used[k] = v, true
				}
			}
			if why == "" {
				out = append(out, fmt.Sprintf("%s: %s\n%s", table, line, query))
			}
		}
	}
	for k := range allowed {
		if !used[k] {
			out = append(out, "allowed for nothing: "+k)
		}
	}
	return out
}

var access = regexp.MustCompile(`^(SCAN|SEARCH) (\w+)(?: USING (.*))?$`)

// read says which table a line of a plan reads, and whether all of it, or all
// of a centre.
func read(line string, names map[string]string) (table string, wide bool) {
	m := access.FindStringSubmatch(line)
	if m == nil {
		return "", false
	}
	table = names[m[2]]
	if table == "" {
		table = m[2]
	}
	if !grows(table) {
		return table, m[1] == "SCAN" && everywhere(table)
	}
	if m[1] == "SCAN" {
		return table, true
	}
	_, terms, _ := strings.Cut(m[3], "(")
	if strings.TrimSuffix(terms, ")") != "centre=?" {
		return table, false
	}
	for _, i := range narrow {
		if strings.Contains(m[3], " "+i+" ") {
			return table, false
		}
	}
	return table, true
}

// narrow are indexes that hold only what is open, whose whole is short.
var narrow = []string{"state_job_incomplete", "state_waiver_pending", "state_assignment_active", "outcome_denied", "membership_seen"}

// everywhere says whether a table has rows of each person or phone: few in a
// centre, and all too many in all of them.
func everywhere(table string) bool { return table == "state_person" || table == "state_device" }

// grows says whether a table has more rows each month for ever.
func grows(table string) bool {
	switch table {
	case "state_centre", "state_fee_standard", "state_script", "state_person", "state_device", "state_community", "state_receipt_range":
		return false // as many as there are places, people and phones
	case "case_file", "ledger", "ledger_root", "outcome", "loser", "feed", "root", "root_later", "membership", "blob_ref", "blob_present", "blob_upload", "event_time", "held", "quarantine", "log", "auth_event":
		return true
	}
	return strings.HasPrefix(table, "state_")
}
