package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"siteledger/migrations/server/postgres"
	"siteledger/server/fault"
	"siteledger/syncproto"
)

// cluster is the engine over a PostgreSQL database, or one that speaks its
// protocol. One pool of connections serves the plain statements through
// database/sql and the hot path through pgx itself.
//
// Writers of one centre follow each other by the lock of the stream's row,
// which they take first: a rev is given only when the one before it is
// committed, so that a feed never passes a late commit. Other centres' writers
// are not in their way. What is no centre's is written serialisably.
type cluster struct {
	pool    *pgxpool.Pool
	db      *sql.DB
	commits atomic.Int64
	herald  *herald
	damage  damage
	updates atomic.Int64
	trips   atomic.Int64
	waiting atomic.Int64
	turn    chan struct{} // held by a plain writer that runs once more
}

const (
	// tries is how often a transaction is run where the database asks to run
	// it again (deadlock, serialisation).
	tries = 8
	// patience bounds one transaction of the hot path, lock waits included: a
	// server that does not answer must not hold a phone for ever.
	patience = 30 * time.Second
	// longPatience bounds one over all streams, which no server waits for.
	longPatience = 15 * time.Minute
)

// openPostgres connects and brings the tables up to date. Several servers may
// do so at once.
func openPostgres(ctx context.Context, cfg Config) (*cluster, error) {
	p := &cluster{turn: make(chan struct{}, 1)}
	pc, err := poolConfig(cfg, p.suspect)
	if err != nil {
		return nil, err
	}
	p.herald = newHerald(pc.ConnConfig, p.warned)
	if p.pool, err = pgxpool.NewWithConfig(ctx, pc); err != nil {
		p.herald.close()
		return nil, err
	}
	p.db = stdlib.OpenDBFromPool(p.pool)
	if err := p.prepare(ctx); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// suspect looks at every error that the database tells, whoever had asked: the
// first page that is not what was written stops this server's writing, and
// that of all servers on the same database.
func (p *cluster) suspect(err *pgconn.PgError) {
	if corruptCode(err.Code) && p.damage.set(err) {
		p.herald.announce(alarm)
	}
}

// warned is told that another server met damage.
func (p *cluster) warned() { p.damage.set(errElsewhere) }

func (p *cluster) damaged() error { return p.damage.met() }

// serverName is what servers are called in the database's list of connections.
const serverName = "siteledger"

// servers counts the connections of servers that are not this process.
func (p *cluster) servers(ctx context.Context) (n int, err error) {
	err = p.pool.QueryRow(ctx, `
		SELECT count(*)
		FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = $1 AND pid <> pg_backend_pid()`, serverName).Scan(&n)
	return n, explainPostgres(err)
}

// settle makes a dead server noticed within seconds, and bounds waits. heard
// is shown every error that the database answers.
func settle(c *pgx.ConnConfig, cfg Config, heard func(*pgconn.PgError)) {
	if cfg.Password != "" {
		c.Password = cfg.Password
	}
	c.OnNotice = func(pc *pgconn.PgConn, n *pgconn.Notice) {
		if n.Routine == unconfirmedRoutine {
			pc.CustomData()[unconfirmedRoutine] = true
		}
	}
	usual := c.OnPgError
	c.OnPgError = func(pc *pgconn.PgConn, err *pgconn.PgError) (keep bool) {
		heard(err)
		return usual(pc, err)
	}
	d := &net.Dialer{Timeout: 5 * time.Second, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}}
	c.DialFunc = d.DialContext
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 5 * time.Second
	}
	for name, value := range map[string]string{
		"application_name":                    cmp.Or(cfg.Name, serverName),
		"lock_timeout":                        "20s",
		"idle_in_transaction_session_timeout": "60s",
		"statement_timeout":                   "0",   // it would end the wait for the standby, and call that a commit
		"jit":                                 "off", // it costs more than any statement here runs
	} {
		if _, given := c.RuntimeParams[name]; !given {
			c.RuntimeParams[name] = value
		}
	}
}

func poolConfig(cfg Config, heard func(*pgconn.PgError)) (*pgxpool.Config, error) {
	pc, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return nil, err
	}
	settle(pc.ConnConfig, cfg, heard)
	pc.ConnConfig.StatementCacheCapacity = 1024
	pc.MaxConns = max(pc.MaxConns, 16)
	pc.AfterConnect = func(_ context.Context, c *pgx.Conn) error {
		c.TypeMap().RegisterType(&pgtype.Type{Name: "int8", OID: pgtype.Int8OID, Codec: wholeNumber{}})
		return nil
	}
	pc.MaxConnIdleTime = 5 * time.Minute
	return pc, nil
}

// prepare looks whose database it is and migrates it under a lock.
func (p *cluster) prepare(ctx context.Context) error {
	var tables, ours int
	err := p.pool.QueryRow(ctx, `
		SELECT count(*), count(*) FILTER (WHERE table_name IN ('goose_db_version', 'stream'))
		FROM information_schema.tables
		WHERE table_schema = current_schema()`).Scan(&tables, &ours)
	if err != nil {
		return err
	}
	if tables > 0 && ours == 0 {
		return errors.New("the schema holds tables of another program")
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	m, err := goose.NewProvider(goose.DialectPostgres, p.db, postgres.Files, goose.WithSessionLocker(locker))
	if err != nil {
		return err
	}
	if _, err := m.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

func (p *cluster) close() error {
	p.herald.close()
	err := p.db.Close()
	p.pool.Close()
	return err
}

func (p *cluster) load() Load {
	return Load{Commits: p.commits.Load(), Updates: p.updates.Load(), Trips: p.trips.Load(), Waiting: p.waiting.Load()}
}

func (p *cluster) view(ctx context.Context, fn func(*sql.Tx) error) error {
	return explainPostgres(p.inTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, fn))
}

// update runs fn as if nobody else wrote; it is run again where that turns out
// not to be so. Those that collided run one after the other, so that fifty
// calls on one row do not use up each other's tries.
func (p *cluster) update(ctx context.Context, fn func(*sql.Tx) error) error {
	collided := false
	return p.again(ctx, func() error {
		if collided {
			select {
			case p.turn <- struct{}{}:
				defer func() { <-p.turn }()
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		collided = true
		return p.inTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable}, fn)
	})
}

func (p *cluster) inTx(ctx context.Context, opts *sql.TxOptions, fn func(*sql.Tx) error) error {
	c, err := p.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer c.Close()
	tx, err := c.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // of a transaction that is not over
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return c.Raw(func(driver any) error {
		if s, ok := driver.(*stdlib.Conn); ok {
			return confirmed(s.Conn().PgConn())
		}
		return nil
	})
}

// unconfirmedRoutine is where PostgreSQL warns that somebody ended a commit's
// wait for the synchronous standby. It then answers COMMIT all the same, though
// a failover would lose it.
const unconfirmedRoutine = "SyncRepWaitForLSN"

// errUnconfirmed is such a commit. Whoever comes again waits for the standby
// anew, since each writing transaction does.
var errUnconfirmed = errors.New("the standby has not confirmed the commit")

func confirmed(c *pgconn.PgConn) error {
	if _, ok := c.CustomData()[unconfirmedRoutine]; !ok {
		return nil
	}
	delete(c.CustomData(), unconfirmedRoutine)
	return fmt.Errorf("commit: %w", errUnconfirmed)
}

// again runs a transaction until the database has no objection to its place
// among the others. Each wait is a little longer.
func (p *cluster) again(ctx context.Context, run func() error) error {
	if err := p.damage.met(); err != nil {
		return err
	}
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	for try := 1; ; try++ {
		err := run()
		if err == nil {
			p.commits.Add(1)
			p.updates.Add(1)
			return nil
		}
		if try == tries || !wantsAgain(err) {
			return explainPostgres(err)
		}
		select {
		case <-time.After(time.Duration(try*try) * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// viewSession is one snapshot, whose begin goes out with the first statement.
func (p *cluster) viewSession(ctx context.Context, fn func(session) error) error {
	return explainPostgres(p.withSession(ctx, patience, func(s *pipeline) error {
		s.queue.Queue("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
		return s.finish(fn)
	}))
}

// updateCentre locks the stream's row with the first statement. An unknown
// centre has no row: fn finds that out by itself.
func (p *cluster) updateCentre(ctx context.Context, centre uuid.UUID, fn func(session) error) error {
	return p.again(ctx, func() error {
		return p.withSession(ctx, patience, func(s *pipeline) error {
			s.queue.Queue("BEGIN")
			s.queue.Queue("SELECT 1 FROM stream WHERE centre = $1 FOR UPDATE", centre[:])
			s.later(streamHQRev, s.witness)
			return s.finish(fn)
		})
	})
}

// updateStreams locks all streams' rows.
func (p *cluster) updateStreams(ctx context.Context, fn func(session) error) error {
	return p.again(ctx, func() error {
		return p.withSession(ctx, longPatience, func(s *pipeline) error {
			s.queue.Queue("BEGIN")
			s.queue.Queue("SELECT 1 FROM stream ORDER BY centre FOR UPDATE")
			return s.finish(fn)
		})
	})
}

// withSession lends a connection. The transaction does not end with the
// caller's context, which would cost the connection, but after a time.
func (p *cluster) withSession(ctx context.Context, most time.Duration, fn func(*pipeline) error) error {
	c, err := p.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer c.Release() // a connection inside a transaction is thrown away
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	defer cancel()
	s := &pipeline{conn: c.Conn(), caller: ctx, ctx: bounded}
	defer func() { p.trips.Add(int64(s.trips)) }()
	return fn(s)
}

// wantsAgain: the transaction did nothing, and would succeed on its own.
func wantsAgain(err error) bool {
	var pe *pgconn.PgError
	return errors.Is(err, errMoved) || errors.As(err, &pe) && (pe.Code == "40001" || pe.Code == "40P01")
}

// explainPostgres tells what passes by itself from other failures: the caller
// is asked to come again. Where the connection broke at the commit nobody
// knows whether it took place; whoever comes again finds out.
func explainPostgres(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, errMoved) || errors.Is(err, errUnconfirmed) {
		return fault.Wrap(syncproto.Busy, "the database is busy; send it again later", err)
	}
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		if brokenConnection(err) || cutOff(err) {
			return fault.Wrap(syncproto.Busy, "the database cannot be reached now; send it again later", err)
		}
		return err
	}
	switch class := pe.Code[:2]; {
	case corruptCode(pe.Code):
		return damaged(err)
	case pe.Code == "53100":
		return fault.Wrap(syncproto.Busy, "the server's disk is full; nothing of this was stored, send it again later", err)
	case class == "53", class == "08", class == "57", pe.Code == "40001", pe.Code == "40P01", pe.Code == "55P03",
		pe.Code == "25006", pe.Code == "25P03": // a standby now; a transaction that stood still
		return fault.Wrap(syncproto.Busy, "the database is busy; send it again later", err)
	}
	return err
}

// cutOff says that a plain statement's connection ended under it. It is asked
// of whole transactions only: of a single value it may be said by a decoder.
func cutOff(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone)
}

func brokenConnection(err error) bool {
	var ce *pgconn.ConnectError
	var ne net.Error
	return errors.As(err, &ce) || errors.As(err, &ne) || pgconn.SafeToRetry(err) || errors.Is(err, errBroken) || errors.Is(err, net.ErrClosed)
}
