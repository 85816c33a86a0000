package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"siteledger/server/auth"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/pack"
)

// oracle hears every word between phones and server, and remembers what was
// promised. It knows nothing of how the server keeps it.
type oracle struct {
	w     *world
	logs  map[logKey]*memory
	zstd  *zstd.Decoder
	codec *changelog.Codec
	model *model
	found []error
}

type logKey struct{ device, epoch uuid.UUID }

// memory is what a server acknowledged of one log.
type memory struct {
	site    *site
	phone   *phone
	order   int
	acked   uint64
	hash    map[uint64][32]byte
	change  map[uint64]*changelog.Change
	outcome map[uint64]string
	code    map[uint64]syncproto.OutcomeCode
}

func operator() auth.Person { return auth.Operator() }

func newOracle(w *world) *oracle {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		panic(err) // no input decides this
	}
	codec, err := changelog.NewCodec()
	if err != nil {
		panic(err)
	}
	o := &oracle{w: w, logs: map[logKey]*memory{}, zstd: dec, codec: codec}
	o.model = newModel(o)
	return o
}

// fail keeps a finding; nil is none.
func (o *oracle) fail(err error) {
	if err != nil && len(o.found) < 5 {
		o.found = append(o.found, err)
		o.w.tell("!! %v", err)
	}
}

// heard takes in one exchange as the server had it.
func (o *oracle) heard(p *phone, req *http.Request, body []byte, res *http.Response, out []byte) {
	path := req.URL.Path
	if res.Header.Get("Content-Encoding") == "zstd" {
		plain, err := o.zstd.DecodeAll(out, nil)
		if err != nil {
			o.fail(broken("I5", "an answer to %s cannot be read: %v", path, err))
			return
		}
		out = plain
	}
	for _, s := range o.w.sites {
		if s != p.site && bytes.Contains(out, []byte(s.canary)) {
			o.fail(broken("I11", "%s of centre %s received a text of centre %s from %s", p.name, p.site.name, s.name, path))
		}
	}
	if res.StatusCode >= 500 && res.StatusCode != 503 && o.w.calm {
		o.fail(broken("I13", "%s answered %d without a fault: %s", path, res.StatusCode, out))
	}
	switch {
	case res.StatusCode != 200:
	case p.gone:
		o.fail(broken("I8", "%s was revoked and %s still answers it", p.name, path))
	case path == pathPush:
		o.fail(o.push(p, req.Header.Get("Content-Type"), body, out))
	case path == pathPull || path == syncproto.PathRepair:
		o.fail(o.page(p, out))
	case path == pathCommit:
		o.fail(o.committed(out))
	}
}

func codeOf(res *http.Response, out []byte) string {
	var p syncproto.Problem
	if res.StatusCode < 400 || json.Unmarshal(out, &p) != nil {
		return ""
	}
	return string(p.Code)
}

// pushed reads a push in either form.
func (o *oracle) pushed(media string, body []byte) (req syncproto.PushRequest, err error) {
	raw, err := o.zstd.DecodeAll(body, nil)
	if err != nil {
		return req, err
	}
	media, params, err := mime.ParseMediaType(media)
	if err != nil {
		return req, err
	}
	if err := cbor.Unmarshal(raw, &req); err != nil || media != syncproto.TypePacked {
		return req, err
	}
	var form syncproto.PackedRequest
	if err := cbor.Unmarshal(raw, &form); err != nil {
		return req, err
	}
	size, err := strconv.Atoi(params["size"])
	if err != nil {
		return req, err
	}
	o.w.did["phone push, packed"]++
	req.Changes, err = pack.Unpack(form.Packed, size, syncproto.DefaultLimits().MaxBatchChanges)
	return req, err
}

// push remembers an acknowledgement and holds it against earlier ones.
func (o *oracle) push(p *phone, media string, body, out []byte) error {
	req, err := o.pushed(media, body)
	if err != nil {
		return broken("I3", "the server took a push that cannot be read: %v", err)
	}
	var ans syncproto.PushAnswer
	if err := cbor.Unmarshal(out, &ans); err != nil {
		return broken("I2", "a push answer cannot be read: %v", err)
	}
	k := logKey{uuid.UUID(req.Device), uuid.UUID(req.Epoch)}
	m := o.logs[k]
	if m == nil {
		m = &memory{site: p.site, phone: p, order: len(o.logs), hash: map[uint64][32]byte{}, change: map[uint64]*changelog.Change{}, outcome: map[uint64]string{}, code: map[uint64]syncproto.OutcomeCode{}}
		o.logs[k] = m
	}
	last := req.From + uint64(len(req.Changes)) - 1
	if ans.Acked < last || ans.Acked < m.acked {
		return broken("I1", "%s was told acked %d after a batch up to %d and an earlier %d", p.name, ans.Acked, last, m.acked)
	}
	if req.From > m.acked+1 {
		return broken("I3", "the server took changes from %d of a log of which it had %d", req.From, m.acked)
	}
	given := map[uint64]syncproto.Outcome{}
	for _, x := range ans.Outcomes {
		given[x.Seq] = x
	}
	var fresh []*changelog.Change
	for i, b := range req.Changes {
		seq := req.From + uint64(i)
		h, x := sha256.Sum256(b), given[seq]
		text := fmt.Sprintf("%s %s %x", x.Code, x.Reason, x.Case)
		if seq <= m.acked {
			if m.hash[seq] != h {
				return broken("I2", "%s: other bytes were acknowledged as change %d", p.name, seq)
			}
			if m.outcome[seq] != text {
				return broken("I2", "%s: the outcome of change %d was %q and is %q", p.name, seq, m.outcome[seq], text)
			}
			continue
		}
		ch, err := o.codec.Decode(b)
		if err != nil {
			return broken("I3", "%s: a change of a real phone cannot be decoded: %v", p.name, err)
		}
		o.fail(o.byVersion(p, ch))
		m.hash[seq], m.outcome[seq], m.change[seq], m.code[seq] = h, text, ch, x.Code
		fresh = append(fresh, ch)
		o.w.tell("    %d %s op %d %s %s", seq, ch.Table, ch.Op, x.Code, x.Reason)
	}
	m.acked = max(m.acked, last)
	return o.model.pushed(k, m, fresh)
}

// stored holds the server's ledger against everything that was acknowledged.
func (o *oracle) stored(ctx context.Context) error {
	have := map[logKey]map[uint64][32]byte{}
	for _, s := range o.w.sites {
		for after := uint64(0); ; {
			batches, err := o.w.node.core.Store.Batches(ctx, s.id, after, 500)
			if err != nil {
				return err
			}
			if len(batches) == 0 {
				break
			}
			for _, b := range batches {
				after = b.Pos
				if err := gather(have, b); err != nil {
					return err
				}
			}
		}
	}
	for k, m := range o.logs {
		for seq, h := range m.hash {
			got, ok := have[k][seq]
			if !ok {
				return broken("I1", "change %d of %s was acknowledged and is not in the ledger", seq, m.phone.name)
			}
			if got != h {
				return broken("I2", "change %d of %s is not in the ledger as it was acknowledged", seq, m.phone.name)
			}
		}
	}
	return o.outcomes(ctx)
}

func gather(have map[logKey]map[uint64][32]byte, b ledger.Batch) error {
	changes, err := b.Unpack()
	if err != nil {
		return broken("I3", "a batch of the ledger cannot be read: %v", err)
	}
	k := logKey{b.Device, b.Epoch}
	if have[k] == nil {
		have[k] = map[uint64][32]byte{}
	}
	for i, c := range changes {
		seq := b.First + uint64(i)
		if _, twice := have[k][seq]; twice {
			return broken("I2", "change %d stands twice in the ledger", seq)
		}
		have[k][seq] = sha256.Sum256(c)
	}
	return nil
}

// outcomes holds the stored outcomes against those that were told.
func (o *oracle) outcomes(ctx context.Context) error {
	return o.w.node.core.Store.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT device, epoch, seq, code, reason, case_id FROM outcome`)
		if err != nil {
			return err
		}
		defer rows.Close()
		stored := map[logKey]map[uint64]string{}
		for rows.Next() {
			var k logKey
			var seq uint64
			var code, reason string
			var id []byte
			if err := rows.Scan(&k.device, &k.epoch, &seq, &code, &reason, &id); err != nil {
				return err
			}
			if stored[k] == nil {
				stored[k] = map[uint64]string{}
			}
			stored[k][seq] = fmt.Sprintf("%s %s %x", code, reason, id)
		}
		for k, m := range o.logs {
			for seq, text := range m.outcome {
				got := stored[k][seq]
				if got == "" {
					got = "  "
				}
				if got != text {
					return broken("I2", "the outcome of change %d of %s was told as %q and is stored as %q", seq, m.phone.name, text, got)
				}
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		return o.waiting(ctx, tx)
	})
}

// waiting looks that what is held waits for a person, or was decided.
func (o *oracle) waiting(ctx context.Context, tx *sql.Tx) error {
	var n int
	err := tx.QueryRowContext(ctx, `
		SELECT count(*)
		FROM outcome o
		LEFT JOIN held h ON h.centre = o.centre AND h.device = o.device AND h.epoch = o.epoch AND h.seq = o.seq
		LEFT JOIN case_file c ON c.centre = o.centre AND c.id = o.case_id
		WHERE o.code = 'held' AND h.seq IS NULL AND coalesce(c.state, '') <> 'decided'`).Scan(&n)
	if err == nil && n > 0 {
		return broken("P4", "%d held changes wait for nobody", n)
	}
	return err
}

// wirePage is what the oracle reads of a page.
type wirePage struct {
	Rows []struct {
		Table string `cbor:"table"`
		Root  []byte `cbor:"root"`
	} `cbor:"rows"`
	Instructions []struct {
		Kind string         `cbor:"kind"`
		Args map[string]any `cbor:"args"`
	} `cbor:"instructions"`
}

// page looks that each row is one that the reader may see at this moment.
func (o *oracle) page(p *phone, out []byte) error {
	var page wirePage
	if err := cbor.Unmarshal(out, &page); err != nil {
		return broken("I5", "a page cannot be read: %v", err)
	}
	for _, in := range page.Instructions {
		o.w.tell("    instruction %s %v %v", in.Kind, in.Args["seq"], in.Args["verdict"])
	}
	if len(page.Rows) == 0 {
		return nil
	}
	may, err := o.audience(context.Background(), p)
	if err != nil {
		return err
	}
	for _, r := range page.Rows {
		if !may[uuid.UUID(r.Root)] {
			return broken("I11", "%s received a row of %s that is not of its audience", p.name, r.Table)
		}
	}
	return nil
}

// audience is what a phone may see, from the assignments alone.
func (o *oracle) audience(ctx context.Context, p *phone) (map[uuid.UUID]bool, error) {
	may := map[uuid.UUID]bool{p.site.id: true, p.person: true, o.w.hq: true}
	err := o.w.node.core.Store.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT job FROM state_assignment WHERE centre = $1 AND person = $2 AND active = 1 AND deleted = 0`, p.site.id[:], p.person[:])
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var job uuid.UUID
			if err := rows.Scan(&job); err != nil {
				return err
			}
			may[job] = true
		}
		return rows.Err()
	})
	return may, err
}

// committed looks that bytes which the server says it has are there.
func (o *oracle) committed(out []byte) error {
	var ans syncproto.CommitAnswer
	if err := json.Unmarshal(out, &ans); err != nil {
		return broken("I10", "a commit's answer cannot be read: %v", err)
	}
	there, err := o.w.objects()
	if err != nil {
		return err
	}
	if !there[ans.SHA256] {
		return broken("I10", "the server gave a receipt for bytes that the storage does not have")
	}
	return nil
}
