package bundle

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"siteledger/server/blob"
	"siteledger/server/fault"
	"siteledger/server/report"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// Config is what making bundles needs; all of it.
type Config struct {
	Files     Files
	Archive   Archive
	Records   Records
	Originals Originals
	Signer    Signer
	Schema    *schema.Descriptor
	History   uuid.UUID
	Now       func() time.Time
}

// Maker makes bundles. It is safe for concurrent use.
type Maker struct {
	Config
	codec *changelog.Codec
}

// New builds a maker.
func New(cfg Config) (*Maker, error) {
	if cfg.Files == nil || cfg.Archive == nil || cfg.Records == nil || cfg.Originals == nil || cfg.Signer == nil || cfg.Schema == nil || cfg.Now == nil {
		return nil, errors.New("bundle: files, archive, records, originals, signer, schema and clock are needed")
	}
	codec, err := changelog.NewCodec()
	if err != nil {
		return nil, err
	}
	return &Maker{Config: cfg, codec: codec}, nil
}

func notFound() error { return fault.New(syncproto.NotFound, "there is no such job") }

// Bundle is a bundle ready to be written: everything is read but the files.
type Bundle struct {
	c        *collection
	manifest Manifest
	pending  []Attachment // in the order of their paths
}

// Prepare reads what a bundle holds. The caller has checked that the person
// may see the subject. What cannot be had is an error here, before anything is
// written.
func (m *Maker) Prepare(ctx context.Context, s Subject, by Person) (*Bundle, error) {
	c, err := m.collect(ctx, s)
	if err != nil {
		return nil, err
	}
	key := m.Signer.Public()[0]
	head, _ := c.file.Head()
	b := &Bundle{c: c, manifest: Manifest{
		Format: Format, MadeAt: m.Now().UnixMilli(), MadeBy: by, History: m.History, Centre: Named{s.Centre, c.file.Contact.Text("name")},
		Job: Named{s.Job, head.Text("job_no")}, Schema: m.Schema.Version, Rules: m.Schema.Rules,
		ServerKey: Key{key.KID, key.PublicKey, Fingerprint(key.PublicKey)}, Devices: c.devices,
	}}
	if s.Defect != uuid.Nil {
		b.manifest.Defect = &s.Defect
	}
	b.tell()
	if err := b.attach(ctx); err != nil {
		return nil, err
	}
	return b, b.fits()
}

// fits refuses what would be over the limits before a byte of it is written:
// files as their receipts say, and the room that a check gives to all texts.
func (b *Bundle) fits() error {
	total := int64(maxText)
	for _, a := range b.pending {
		total += a.Size + a.Size/block*5 + 1<<10
	}
	if total > maxBundle || len(b.pending)+len(b.c.shown)+10 > maxEntries {
		return fault.Wrap(fault.Invalid, fmt.Sprintf("这一单有 %d 个文件,共 %d MB,超过证据包的上限(2 GiB,5000 个文件)。请按缺陷分别导出 · %d files of %d MB are more than a bundle holds (2 GiB, 5,000 files): take one for each defect",
			len(b.pending), (total-maxText)>>20, len(b.pending), (total-maxText)>>20), ErrTooLarge)
	}
	return nil
}

// Name is what a browser saves the bundle as: letters, digits and dashes.
func (b *Bundle) Name() string {
	no := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '-' {
			return r
		}
		return -1
	}, b.manifest.Job.Name)
	if no == "" || len(no) > 40 {
		no = b.manifest.Job.ID.String()
	}
	return "evidence-" + no + "-" + time.UnixMilli(b.manifest.MadeAt).UTC().Format("20060102T150405Z") + ".zip"
}

// tell fills in what the server knows beside the log's own bytes.
func (b *Bundle) tell() {
	c, m := b.c, &b.manifest
	people := map[uuid.UUID]bool{}
	who := func(ids ...uuid.UUID) {
		for _, id := range ids {
			if id != uuid.Nil && !people[id] {
				people[id] = true
				m.People = append(m.People, Person{ID: id, Name: c.file.Name(id), Role: c.file.Roles[id]})
			}
		}
	}
	for _, e := range c.entries {
		who(e.change.Actor)
		if e.outcome != nil {
			m.Outcomes = append(m.Outcomes, *e.outcome)
		}
	}
	for _, d := range c.devices {
		who(d.Person)
	}
	for _, l := range c.file.Losers {
		who(l.Actor)
		m.Losers = append(m.Losers, Loser{Table: l.Table, Row: l.Row, Column: l.Column, Rule: string(l.Rule), Value: plain(l.Value), By: l.Actor, Device: l.Device, Wall: l.Wall})
	}
	for i := range c.cases {
		k := caseOf(&c.cases[i])
		m.Cases = append(m.Cases, k)
		if k.DecidedBy != nil {
			who(*k.DecidedBy)
		}
		for _, s := range []*Side{k.Standing, k.Other} {
			if s != nil {
				who(s.By)
			}
		}
	}
	slices.SortFunc(m.People, func(a, b Person) int { return bytes.Compare(a.ID[:], b.ID[:]) })
}

// plain gives a value that was stored as JSON.
func plain(v any) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	var out any
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	if d.Decode(&out) != nil {
		return s
	}
	return out
}

func caseOf(k *report.Case) Case {
	side := func(s *report.Side) *Side {
		if s == nil {
			return nil
		}
		return &Side{Value: s.Value, By: s.Actor, Device: s.Device, Wall: s.Wall, Received: s.Received}
	}
	out := Case{ID: k.ID, Kind: k.Kind, Table: k.Table, Row: k.Row, Column: cmp.Or(k.Column, k.Sides.Column), OpenedAt: k.OpenedAt, Open: k.Open,
		Reason: k.Sides.Reason, Detail: k.Sides.Detail, Standing: side(k.Sides.Standing), Other: side(k.Sides.Other), Verdict: k.Verdict, DecidedAt: k.DecidedAt, Why: k.Reason}
	if k.DecidedBy != uuid.Nil {
		by := k.DecidedBy
		out.DecidedBy = &by
	}
	return out
}

// attach lists the files that the shown changes name.
func (b *Bundle) attach(ctx context.Context) error {
	named := map[string][]Naming{}
	purpose := map[string]string{}
	for _, e := range b.c.entries {
		t := b.c.m.Schema.Table(e.change.Table)
		if t == nil || e.change.Table == "stored_blob" {
			continue
		}
		for _, col := range t.Columns {
			sha, ok := e.change.Cols[col.Name].([]byte)
			if !ok || col.Type != schema.Blob || len(sha) != 32 {
				continue
			}
			role, _ := e.change.Cols["role"].(string)
			when := e.when()
			named[string(sha)] = append(named[string(sha)], Naming{Table: e.change.Table, Row: e.change.Row, Column: col.Name, Role: role, By: e.change.Actor,
				Device: e.Device, Epoch: e.Epoch, Seq: e.Seq, Wall: e.change.Wall, Received: e.batch.ReceivedAt, Earliest: when.Earliest, Latest: when.Latest})
			purpose[string(sha)] = cmp.Or(purpose[string(sha)], col.Purpose, "file")
		}
	}
	for _, sha := range b.c.hashes() {
		rows := named[string(sha)]
		copies, err := b.c.m.Records.BlobCopies(ctx, b.c.subject.Centre, [32]byte(sha))
		if err != nil {
			return err
		}
		here := b.c.file.Present[[32]byte(sha)] || slices.ContainsFunc(copies, blob.Upload.Stored) // drawings are the offices', not the job's
		if !here || len(copies) == 0 {
			b.manifest.Absent = append(b.manifest.Absent, Absent{SHA256: hexOf(sha), Purpose: purpose[string(sha)], Named: rows})
			continue
		}
		a := Attachment{SHA256: hexOf(sha), Purpose: purpose[string(sha)], Named: rows, Type: copies[0].Type, Size: copies[0].Size}
		for _, u := range copies {
			if u.Stored() && u.Receipt != "" {
				a.Receipt = u.Receipt
				break
			}
		}
		a.Path = fileFolder + cmp.Or(word(rows[0].Role), word(a.Purpose), "file") + "-" + a.SHA256 + extension(a.Type)
		b.pending = append(b.pending, a)
	}
	slices.SortFunc(b.pending, func(x, y Attachment) int { return strings.Compare(x.Path, y.Path) })
	return nil
}

// word keeps what may stand in a file's name.
func word(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, s)
}

func extension(media string) string {
	switch media {
	case "image/jpeg":
		return ".jpg"
	case "image/png":
		return ".png"
	case "image/webp":
		return ".webp"
	case "image/heic", "image/heif":
		return ".heic"
	case "application/pdf":
		return ".pdf"
	case "image/vnd.dwg":
		return ".dwg"
	case "image/vnd.dxf":
		return ".dxf"
	}
	return ".bin"
}

// Write streams the zip. An error leaves w with a part that no program takes
// for a bundle: the seal comes last.
func (b *Bundle) Write(ctx context.Context, w io.Writer) error {
	p := newPacker(w)
	m := b.manifest
	m.Entries = nil
	put := func(name string, body []byte) error {
		f, err := p.add(name, bytes.NewReader(body))
		m.Entries = append(m.Entries, f)
		return err
	}
	m.Files, m.Absent = nil, slices.Clone(m.Absent)
	for _, a := range b.pending {
		if err := b.original(ctx, p, a, &m); err != nil {
			return err
		}
	}
	logs, err := b.logs(ctx, &m)
	if err != nil {
		return err
	}
	page, err := b.page(&m)
	if err != nil {
		return err
	}
	labels, err := schema.JSON(m.Schema)
	if err != nil {
		return err
	}
	if err := errors.Join(put(pageName, page), put(labelsName, labels)); err != nil {
		return err
	}
	for i, l := range m.Logs {
		if err := put(l.Path, logs[i]); err != nil {
			return err
		}
	}
	return b.sealed(p, &m)
}

func (b *Bundle) sealed(p *packer, m *Manifest) error {
	body, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	sum := sha256.Sum256(body)
	jws, err := b.c.m.Signer.SignJWS(seal{Evidence: Format, SHA256: hexOf(sum[:]), Size: int64(len(body)), Job: m.Job.ID, At: m.MadeAt})
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	if _, err := p.add(manifestName, bytes.NewReader(body)); err != nil {
		return err
	}
	if _, err := p.add(sealName, strings.NewReader(jws)); err != nil {
		return err
	}
	return p.close()
}

// original streams one stored file. One whose bytes changed in the storage
// stays in, marked, and one that the storage has lost is said to be lost: a
// bundle hides nothing, and a lost file does not keep the rest from being shown.
func (b *Bundle) original(ctx context.Context, p *packer, a Attachment, m *Manifest) error {
	var sha [32]byte
	if _, err := hex.Decode(sha[:], []byte(a.SHA256)); err != nil {
		return err
	}
	r, info, err := b.c.m.Originals.Open(ctx, b.c.subject.Centre, sha)
	if fault.CodeOf(err) == syncproto.NotFound {
		m.Absent = append(m.Absent, Absent{SHA256: a.SHA256, Purpose: a.Purpose, Named: a.Named, Lost: true, Receipt: a.Receipt})
		return nil
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", a.SHA256, err)
	}
	defer r.Close()
	f, err := p.add(a.Path, r)
	if err != nil {
		return err
	}
	a.Size, a.Damaged = f.Size, f.SHA256 != a.SHA256
	a.Type = cmp.Or(info.Type, a.Type)
	m.Files, m.Entries = append(m.Files, a), append(m.Entries, f)
	return nil
}

// logs encodes the chain; the manifest is told of each log.
func (b *Bundle) logs(ctx context.Context, m *Manifest) ([][]byte, error) {
	m.Logs = nil
	var out [][]byte
	for _, id := range b.c.logIDs() {
		l, info, err := b.c.log(ctx, id)
		if err != nil {
			return nil, err
		}
		body, err := json.Marshal(l)
		if err != nil {
			return nil, fmt.Errorf("log %s: %w", id.device, err)
		}
		m.Logs, out = append(m.Logs, info), append(out, body)
	}
	return out, nil
}
