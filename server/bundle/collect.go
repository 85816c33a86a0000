package bundle

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/server/report"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// Subject is what a bundle is about: a job of a centre, or one defect of it
// alone where Defect is set.
type Subject struct {
	Centre, Job, Defect uuid.UUID
}

// logID names a log.
type logID struct{ device, epoch uuid.UUID }

// entry is a change that is shown, with what the server knows of it.
type entry struct {
	Place
	pos     uint64
	batch   *ledger.Batch
	change  *changelog.Change
	office  bool
	outcome *Outcome
}

// when bounds the time in which a change was recorded, in the server's time.
func (e *entry) when() fieldwork.Interval {
	if e.office {
		return fieldwork.At(e.batch.ReceivedAt)
	}
	const transit = 60_000
	return fieldwork.EventInterval(fieldwork.Moment{Wall: e.change.Wall, Boot: e.change.Boot, Mono: e.change.Mono},
		fieldwork.Moment{Wall: e.batch.Wall, Boot: e.batch.Boot, Mono: e.batch.Mono}, e.batch.ReceivedAt, transit, 0)
}

// collection is what goes into a bundle, files apart.
type collection struct {
	m       *Maker
	subject Subject
	file    report.JobFile
	rows    map[uuid.UUID]string // shown rows and their tables
	entries []*entry             // in the order of the stream
	shown   map[logID]map[uint64]*entry
	office  map[uuid.UUID]bool
	devices []Device
	cases   []report.Case
	orders  []order
}

func (m *Maker) collect(ctx context.Context, s Subject) (*collection, error) {
	c := &collection{m: m, subject: s, shown: map[logID]map[uint64]*entry{}, office: map[uuid.UUID]bool{}}
	var err error
	if c.file, err = m.Files.JobFile(ctx, s.Centre, s.Job); err != nil {
		return nil, err
	}
	if err := c.chooseRows(ctx); err != nil {
		return nil, err
	}
	batches, err := m.Archive.BatchesOf(ctx, s.Centre, s.Job)
	if err != nil {
		return nil, fmt.Errorf("batches of job %s: %w", s.Job, err)
	}
	for i := range batches {
		if err := c.take(&batches[i], c.belongs); err != nil {
			return nil, err
		}
	}
	if err := c.around(ctx); err != nil {
		return nil, err
	}
	slices.SortFunc(c.entries, func(a, b *entry) int { return cmp.Or(cmp.Compare(a.pos, b.pos), cmp.Compare(a.Seq, b.Seq)) })
	return c, c.outcomes(ctx)
}

// chooseRows lists the rows whose changes are shown: all of the job, or those
// that a verdict on the defect needs.
func (c *collection) chooseRows(ctx context.Context) error {
	s := c.subject
	rows, err := c.m.Archive.RowsOf(ctx, s.Centre, s.Job)
	if err != nil {
		return fmt.Errorf("rows of job %s: %w", s.Job, err)
	}
	rows[s.Job] = "job"
	c.rows, c.cases = rows, c.file.Cases
	if s.Defect == uuid.Nil {
		for _, k := range c.file.Cases { // rows of held changes are no state yet
			for _, h := range k.Sides.Changes {
				if rows[h.Row] == "" {
					rows[h.Row] = h.Table
				}
			}
		}
		return nil
	}
	d, ok := c.file.Find("defect", s.Defect)
	if !ok {
		return notFound()
	}
	c.rows = map[uuid.UUID]string{s.Job: "job", d.ID: "defect"}
	keep := func(table string, rows []report.FileRow) {
		for _, r := range rows {
			c.rows[r.ID] = table
		}
	}
	visit := d.UUID("visit")
	keep("job_item", c.file.All("job_item"))
	keep("job_history", c.file.All("job_history"))
	keep("photo", c.file.Where("photo", "defect", d.ID))
	keep("visit_event", c.file.Where("visit_event", "visit", visit))
	keep("visit_close", c.file.Where("visit_close", "visit", visit))
	keep("return_shipment", c.file.Where("return_shipment", "defect", d.ID))
	verdicts := c.file.Where("adjudication", "defect", d.ID)
	keep("adjudication", verdicts)
	for _, v := range verdicts {
		keep("responsibility", c.file.Where("responsibility", "adjudication", v.ID))
	}
	if v, ok := c.file.Find("visit", visit); ok {
		c.rows[v.ID] = "visit"
	}
	c.file = only(c.file, c.rows)
	c.cases = c.file.Cases
	return nil
}

// only keeps of a job's file what is about some rows.
func only(f report.JobFile, rows map[uuid.UUID]string) report.JobFile {
	has := func(id uuid.UUID) bool { return rows[id] != "" }
	out := f
	out.Rows = map[string][]report.FileRow{}
	for t, rs := range f.Rows {
		out.Rows[t] = slices.DeleteFunc(slices.Clone(rs), func(r report.FileRow) bool { return !has(r.ID) })
	}
	out.Losers = slices.DeleteFunc(slices.Clone(f.Losers), func(l report.Loser) bool { return !has(l.Row) })
	out.Cases = slices.DeleteFunc(slices.Clone(f.Cases), func(k report.Case) bool { return !has(k.Row) })
	return out
}

// belongs says whether a change of one of the job's batches is the job's: of a
// row of it, below one, or the server's own entry about the whole stream.
func (c *collection) belongs(ch *changelog.Change, office bool) bool {
	if c.rows[ch.Row] != "" || office && serverEntry(ch.Table) {
		return true
	}
	t := c.m.Schema.Table(ch.Table)
	if t == nil || t.Parent == "" || c.subject.Defect != uuid.Nil {
		return false
	}
	parent, ok := ch.Cols[t.ParentColumn].([]byte)
	if !ok || len(parent) != 16 || c.rows[uuid.UUID(parent)] == "" {
		return false
	}
	c.rows[ch.Row] = ch.Table
	return true
}

// serverEntry says whether a change is the server's note about a whole stream:
// a new history after a restore, another version of the schema.
func serverEntry(table string) bool { return len(table) > 7 && table[:7] == "server." }

// take shows those changes of a batch that fit.
func (c *collection) take(b *ledger.Batch, fits func(ch *changelog.Change, office bool) bool) error {
	changes, err := b.Unpack()
	if err != nil {
		return fmt.Errorf("batch %d of centre %s: %w", b.Pos, b.Centre, err)
	}
	office := c.isOffice(b)
	for i, raw := range changes {
		ch, err := c.m.codec.Decode(raw)
		seq := b.First + uint64(i)
		if err != nil || ch.Seq != seq || !fits(ch, office) {
			continue
		}
		id := logID{b.Device, b.Epoch}
		if c.shown[id] == nil {
			c.shown[id] = map[uint64]*entry{}
		}
		if c.shown[id][seq] != nil {
			continue
		}
		e := &entry{Place: Place{b.Device, b.Epoch, seq}, pos: b.Pos, batch: b, change: ch, office: office}
		c.shown[id][seq] = e
		c.entries = append(c.entries, e)
	}
	return nil
}

// isOffice says whether the server signs a log: a device that is no phone.
func (c *collection) isOffice(b *ledger.Batch) bool {
	if office, ok := c.office[b.Device]; ok {
		return office
	}
	_, phone := c.file.Holders[b.Device]
	c.office[b.Device] = !phone
	return !phone
}

// around adds what the job's own rows do not lead to: who the phones are, the
// entries that a file is stored, decisions, forks, and the server's histories.
func (c *collection) around(ctx context.Context) error {
	if err := c.phones(ctx); err != nil {
		return err
	}
	if err := c.desk(ctx); err != nil {
		return err
	}
	for _, sha := range c.hashes() {
		if err := c.written(ctx, "stored_blob", "sha256", sha, nil); err != nil {
			return err
		}
	}
	for _, k := range c.cases {
		if err := c.written(ctx, "decision", "case", k.ID[:], nil); err != nil {
			return err
		}
	}
	return c.histories(ctx)
}

// phones shows each phone's enrolment and revocation, and what is in doubt
// about its clock or its log.
func (c *collection) phones(ctx context.Context) error {
	var ids, people []uuid.UUID
	for id := range c.shown {
		if !c.office[id.device] && !slices.Contains(ids, id.device) {
			ids = append(ids, id.device)
		}
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	for _, id := range ids {
		rows, err := c.m.Archive.Written(ctx, c.subject.Centre, "device", "id", id[:])
		if err != nil {
			return fmt.Errorf("device %s: %w", id, err)
		}
		if len(rows) != 1 {
			return fmt.Errorf("device %s has no row", id)
		}
		r := rows[0]
		c.devices = append(c.devices, Device{ID: id, Person: r.UUID("person"), Model: r.Text("model"), PublicKey: r.Bytes("public_key"),
			EnrolledAt: r.Int("enrolled_at"), RevokedAt: r.Int("revoked_at")})
		if err := c.places(ctx, r.Places, nil); err != nil {
			return err
		}
		if p := r.UUID("person"); !slices.Contains(people, p) {
			people = append(people, p)
		}
		fork := func(w Written) bool { return w.Text("kind") == "fork" }
		if err := c.written(ctx, "instruction", "device", id[:], fork); err != nil {
			return err
		}
	}
	for _, p := range people {
		cases, err := c.m.Records.PersonCases(ctx, c.subject.Centre, p)
		if err != nil {
			return fmt.Errorf("cases of %s: %w", p, err)
		}
		c.cases = append(c.cases, slices.DeleteFunc(cases, func(k report.Case) bool { return !c.concerns(&k) })...)
	}
	return nil
}

// desk shows what the offices keep about a defect beside the job's rows:
// drawings and what was drawn over photos; in a whole job's bundle also the
// leftover form, which names the customer, and the remedy, which names money.
func (c *collection) desk(ctx context.Context) error {
	tables := []string{"drawing_annex", "photo_mark"}
	if c.subject.Defect == uuid.Nil {
		tables = append(tables, "leftover_order", "leftover_signature", "remedy")
	}
	for _, d := range c.file.All("defect") {
		for _, table := range tables {
			if c.m.Schema.Table(table) == nil {
				continue
			}
			if err := c.written(ctx, table, "defect", d.ID[:], nil); err != nil {
				return err
			}
		}
	}
	return c.readOrders(ctx)
}

// concerns says whether a case about a phone is about one of the logs shown.
func (c *collection) concerns(k *report.Case) bool {
	switch {
	case k.Sides.Clock != nil:
		for seq := range c.shown[logID{k.Sides.Clock.Device, k.Sides.Clock.Epoch}] {
			if seq >= k.Sides.Clock.From && seq <= k.Sides.Clock.To {
				return true
			}
		}
	case k.Sides.Fork != nil:
		return c.shown[logID{k.Sides.Fork.Device, k.Sides.Fork.Epoch}] != nil
	}
	return false
}

// written shows the changes that rows with a value in a column come from.
func (c *collection) written(ctx context.Context, table, column string, value []byte, fits func(Written) bool) error {
	rows, err := c.m.Archive.Written(ctx, c.subject.Centre, table, column, value)
	if err != nil {
		return fmt.Errorf("%s: %w", table, err)
	}
	for _, r := range rows {
		if fits != nil && !fits(r) {
			continue
		}
		if err := c.places(ctx, r.Places, nil); err != nil {
			return err
		}
	}
	return nil
}

// places shows the changes at some places; fits nil takes them as they are.
func (c *collection) places(ctx context.Context, at []Place, fits func(*changelog.Change) bool) error {
	for _, p := range at {
		if c.shown[logID{p.Device, p.Epoch}][p.Seq] != nil {
			continue
		}
		batches, err := c.m.Archive.LogBatches(ctx, c.subject.Centre, p.Device, p.Epoch, p.Seq, p.Seq, 1)
		if err != nil {
			return fmt.Errorf("log %s/%s: %w", p.Device, p.Epoch, err)
		}
		for i := range batches {
			one := func(ch *changelog.Change, _ bool) bool { return ch.Seq == p.Seq && (fits == nil || fits(ch)) }
			if err := c.take(&batches[i], one); err != nil {
				return err
			}
		}
	}
	return nil
}

// histories shows where the office's log began again after a restore.
func (c *collection) histories(ctx context.Context) error {
	logs, err := c.m.Records.Logs(ctx, c.subject.Centre)
	if err != nil {
		return fmt.Errorf("logs of %s: %w", c.subject.Centre, err)
	}
	for _, l := range logs {
		if _, phone := c.file.Holders[l.Device]; phone || l.Acked == 0 {
			continue
		}
		first := []Place{{l.Device, l.Epoch, 1}}
		if err := c.places(ctx, first, func(ch *changelog.Change) bool { return serverEntry(ch.Table) }); err != nil {
			return err
		}
	}
	return nil
}

// hashes are the files that the shown changes name, in order.
func (c *collection) hashes() [][]byte {
	var out [][]byte
	seen := map[string]bool{}
	for _, e := range c.entries {
		t := c.m.Schema.Table(e.change.Table)
		if t == nil || e.change.Table == "stored_blob" {
			continue
		}
		for _, col := range t.Columns {
			b, ok := e.change.Cols[col.Name].([]byte)
			if ok && col.Type == schema.Blob && len(b) == 32 && !seen[string(b)] {
				seen[string(b)] = true
				out = append(out, b)
			}
		}
	}
	slices.SortFunc(out, bytes.Compare)
	return out
}

// outcomes reads what became of the shown changes.
func (c *collection) outcomes(ctx context.Context) error {
	for id, seqs := range c.shown {
		if c.office[id.device] {
			continue
		}
		all := slices.Sorted(maps.Keys(seqs))
		got, err := c.m.Records.LogOutcomes(ctx, c.subject.Centre, id.device, id.epoch, all[0], all[len(all)-1])
		if err != nil {
			return fmt.Errorf("outcomes of %s/%s: %w", id.device, id.epoch, err)
		}
		for _, o := range got {
			e := seqs[o.Seq]
			if e == nil {
				continue
			}
			e.outcome = &Outcome{Place: e.Place, Code: string(o.Code), Reason: string(o.Reason)}
			if len(o.Case) == 16 {
				k := uuid.UUID(o.Case)
				e.outcome.Case = &k
			}
		}
	}
	return nil
}
