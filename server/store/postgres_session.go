package store

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// errBroken says that the connection ended under a transaction.
var errBroken = errors.New("the connection to the database broke")

// pipeline is a session on PostgreSQL. Statements that only write wait in a
// queue and travel with the next question, or with the commit: a batch of any
// length costs as many round trips as it asks questions.
type pipeline struct {
	conn   *pgx.Conn
	caller context.Context // who asked; looked at before the commit
	ctx    context.Context // bounds each trip: the caller's end would cost the connection
	queue  pgx.Batch
	reads  map[int]func(rows) error // readers of queued questions, by their place
	trips  int

	seen  bool  // hqRev is known
	hqRev int64 // headquarters' rev, the same at each look
}

func (p *pipeline) exec(_ context.Context, text string, args ...any) error {
	p.queue.Queue(text, args...)
	return nil
}

// later asks a question whose answer comes with the next trip.
func (p *pipeline) later(text string, read func(rows) error, args ...any) {
	if p.reads == nil {
		p.reads = map[int]func(rows) error{}
	}
	p.reads[p.queue.Len()] = read
	p.queue.Queue(text, args...)
}

// errMoved says that headquarters committed during a fold that looks at its
// people: the fold must see one state of it, the one that is stored with it.
var errMoved = errors.New("headquarters has moved on")

// witness notes headquarters' rev and refuses another one.
func (p *pipeline) witness(r rows) error {
	var rev int64
	if err := r.Scan(&rev); err != nil {
		return err
	}
	if p.seen && p.hqRev != rev {
		return errMoved
	}
	p.seen, p.hqRev = true, rev
	return nil
}

func (p *pipeline) query(_ context.Context, text string, args ...any) (rows, error) {
	p.queue.Queue(text, args...)
	br, err := p.send()
	if err != nil {
		return nil, err
	}
	r, err := br.Query()
	if err != nil {
		return nil, errors.Join(p.broken(err), p.end(br))
	}
	return &pipelineRows{Rows: r, end: func() error { return p.end(br) }}, nil
}

// queryMany is query: pgx hands values on as they come.
func (p *pipeline) queryMany(ctx context.Context, text string, args ...any) (rows, error) {
	return p.query(ctx, text, args...)
}

func (p *pipeline) queryRow(ctx context.Context, text string, args ...any) (scanner, error) {
	r, err := p.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	return oneRow{r}, nil
}

// ask queues a question; [pipeline.answers] sends all that were asked.
func (p *pipeline) ask(text string, args ...any) { p.queue.Queue(text, args...) }

// answers reads the rows of the last n questions, in their order.
func (p *pipeline) answers(n int, read func(i int, r rows) error) error {
	if n == 0 {
		return nil
	}
	br, err := p.sendBut(n)
	if err != nil {
		return err
	}
	for i := range n {
		if err := readAll(br, func(r rows) error { return read(i, r) }); err != nil {
			return errors.Join(p.broken(err), p.end(br))
		}
	}
	return p.end(br)
}

func readAll(br pgx.BatchResults, read func(rows) error) error {
	r, err := br.Query()
	if err != nil {
		return err
	}
	rows := &pipelineRows{Rows: r}
	defer r.Close()
	for rows.Next() {
		if err := read(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (p *pipeline) send() (pgx.BatchResults, error) { return p.sendBut(1) }

// sendBut sends the queue and reads the results of all but its last few
// statements.
func (p *pipeline) sendBut(last int) (pgx.BatchResults, error) {
	n := p.queue.Len()
	b, reads := p.queue, p.reads
	p.queue, p.reads = pgx.Batch{}, nil
	p.trips++
	br := p.conn.SendBatch(p.ctx, &b)
	for i := range n - last {
		if err := result(br, reads[i]); err != nil {
			return nil, errors.Join(p.broken(fmt.Errorf("%.60q: %w", b.QueuedQueries[i].SQL, err)), p.end(br))
		}
	}
	return br, nil
}

func result(br pgx.BatchResults, read func(rows) error) error {
	if read != nil {
		return readAll(br, read)
	}
	_, err := br.Exec()
	return err
}

// flush sends the queue, reads all results, and gives the last one's.
func (p *pipeline) flush() (pgconn.CommandTag, error) {
	last := p.queue.QueuedQueries[p.queue.Len()-1].SQL
	br, err := p.send()
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := br.Exec()
	if err != nil {
		return tag, errors.Join(p.broken(fmt.Errorf("%.60q: %w", last, err)), p.end(br))
	}
	return tag, p.end(br)
}

// end closes a batch; what it says was said before by the statement itself.
func (p *pipeline) end(br pgx.BatchResults) error {
	err := br.Close()
	var pe *pgconn.PgError
	if err == nil || errors.As(err, &pe) {
		return nil
	}
	return p.broken(err)
}

// broken marks errors that are the connection's, not the statement's.
func (p *pipeline) broken(err error) error {
	if p.conn.IsClosed() || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.Join(err, errBroken)
	}
	return err
}

// finish runs fn and ends the transaction that is open or queued.
func (p *pipeline) finish(fn func(session) error) error {
	done := false
	defer func() {
		if !done {
			p.rollback()
		}
	}()
	err := fn(p)
	if err == nil {
		err = p.caller.Err()
	}
	if err != nil {
		return err
	}
	p.queue.Queue("COMMIT")
	tag, err := p.flush()
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	done = true
	if tag.String() != "COMMIT" { // a statement had failed, and fn went on
		return errors.New("commit: the database rolled the transaction back")
	}
	return confirmed(p.conn.PgConn())
}

// drop forgets what was not sent.
func (p *pipeline) drop() { p.queue, p.reads = pgx.Batch{}, nil }

// rollback ends a transaction of which something was sent.
func (p *pipeline) rollback() {
	p.drop()
	if p.conn.IsClosed() || p.trips == 0 {
		return
	}
	_, _ = p.conn.Exec(p.ctx, "ROLLBACK")
}

// pipelineRows end their batch with themselves.
type pipelineRows struct {
	pgx.Rows
	end func() error
}

// Close implements rows.
func (r *pipelineRows) Close() error {
	r.Rows.Close()
	if r.end == nil {
		return nil
	}
	end := r.end
	r.end = nil
	return end()
}

// oneRow is the first row of a result.
type oneRow struct{ rows }

// Scan implements scanner.
func (o oneRow) Scan(dest ...any) error {
	defer o.Close()
	if !o.Next() {
		if err := o.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := o.rows.Scan(dest...); err != nil {
		return err
	}
	return o.Close()
}
