package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"

	"siteledger/client-sdk/serverkey"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// tools are the commands that need no phone's files.
type tools struct{ codec *changelog.Codec }

func newTools() (*tools, error) {
	codec, err := changelog.NewCodec()
	return &tools{codec}, err
}

func (t *tools) commands() map[string]command {
	return map[string]command{
		"hello": func(context.Context, []byte) (any, error) {
			return map[string]string{"name": "siteledger client-sdk"}, nil
		},
		"encode":  on(t.encode),
		"decode":  on(t.decode),
		"chain":   on(t.chain),
		"sign":    on(t.sign),
		"prove":   on(t.prove),
		"body":    on(t.body),
		"answer":  on(t.answer),
		"sum":     on(t.sum),
		"summary": on(t.summary),
		"receipt": on(t.receipt),
	}
}

// raw is bytes as lower-case hex.
type raw []byte

func (r raw) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(r)), nil }

func (r *raw) UnmarshalText(b []byte) (err error) {
	*r, err = hex.DecodeString(string(b))
	return err
}

// cell is a value as the vectors write it.
type cell struct {
	Null  bool     `json:"null,omitempty"`
	Bool  *bool    `json:"bool,omitempty"`
	Int   *string  `json:"int,omitempty"`
	Float *float64 `json:"float,omitempty"`
	Text  *string  `json:"text,omitempty"`
	Bytes *raw     `json:"bytes,omitempty"`
}

func toCell(v any) cell {
	switch v := v.(type) {
	case bool:
		return cell{Bool: &v}
	case int64:
		s := strconv.FormatInt(v, 10)
		return cell{Int: &s}
	case float64:
		return cell{Float: &v}
	case string:
		return cell{Text: &v}
	case []byte:
		r := raw(v)
		return cell{Bytes: &r}
	}
	return cell{Null: true}
}

func toCells(m map[string]any) map[string]cell {
	if m == nil {
		return nil
	}
	out := make(map[string]cell, len(m))
	for k, v := range m {
		out[k] = toCell(v)
	}
	return out
}

func (c cell) value() (any, error) {
	switch {
	case c.Bool != nil:
		return *c.Bool, nil
	case c.Int != nil:
		return strconv.ParseInt(*c.Int, 10, 64)
	case c.Float != nil:
		return *c.Float, nil
	case c.Text != nil:
		return *c.Text, nil
	case c.Bytes != nil:
		return []byte(*c.Bytes), nil
	}
	return nil, nil
}

func values(m map[string]cell) (map[string]any, error) {
	out := make(map[string]any, len(m))
	for k, c := range m {
		v, err := c.value()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
		out[k] = v
	}
	return out, nil
}

// change is a change as the vectors write it.
type change struct {
	Seq    uint64          `json:"seq,string"`
	HLC    uint64          `json:"hlc,string"`
	Wall   int64           `json:"wall,string"`
	Txn    uint64          `json:"txn,string"`
	Last   bool            `json:"last"`
	Table  string          `json:"table"`
	Row    uuid.UUID       `json:"row"`
	Op     changelog.Op    `json:"op"`
	Base   uint64          `json:"base,string"`
	Cols   map[string]cell `json:"cols"`
	Actor  uuid.UUID       `json:"actor"`
	Schema uint64          `json:"schema,string"`
	HasWas bool            `json:"has_was"`
	Was    map[string]cell `json:"was,omitempty"`
	Boot   uuid.UUID       `json:"boot"`
	Mono   uint64          `json:"mono,string"`
	Salt   raw             `json:"salt"`
}

func (t *tools) encode(_ context.Context, a struct{ Change change }) (any, error) {
	c := a.Change
	cols, err := values(c.Cols)
	if err != nil {
		return nil, err
	}
	was, err := values(c.Was)
	if err != nil {
		return nil, err
	}
	if len(c.Salt) != 16 {
		return nil, errors.New("the salt has not 16 bytes")
	}
	b, err := t.codec.Encode(&changelog.Change{Seq: c.Seq, HLC: c.HLC, Wall: c.Wall, Txn: c.Txn, Last: c.Last, Table: c.Table, Row: c.Row, Op: c.Op, Base: c.Base, Cols: cols,
		Actor: c.Actor, Schema: c.Schema, Was: was, Boot: c.Boot, Mono: c.Mono, Salt: [16]byte(c.Salt)})
	return map[string]any{"bytes": raw(b)}, err
}

func (t *tools) decode(_ context.Context, a struct{ Bytes raw }) (any, error) {
	c, err := t.codec.Decode(a.Bytes)
	if errors.Is(err, changelog.ErrUndecodable) {
		return nil, errors.New("undecodable")
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"change": change{c.Seq, c.HLC, c.Wall, c.Txn, c.Last, c.Table, c.Row, c.Op, c.Base, toCells(c.Cols), c.Actor, c.Schema,
		c.Was != nil, toCells(c.Was), c.Boot, c.Mono, c.Salt[:]}}, nil
}

func (t *tools) chain(_ context.Context, a struct {
	Device, Epoch uuid.UUID
	Changes       []raw
}) (any, error) {
	head := changelog.Genesis(a.Device, a.Epoch)
	heads, digests := []raw{bytes.Clone(head[:])}, []raw{}
	for _, c := range a.Changes {
		d := changelog.Digest(c)
		head = changelog.Next(head, c)
		heads, digests = append(heads, bytes.Clone(head[:])), append(digests, d[:])
	}
	return map[string]any{"heads": heads, "digests": digests}, nil
}

func key(seed raw) (ed25519.PrivateKey, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, errors.New("the seed has not 32 bytes")
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func hash(b raw) (changelog.Hash, error) {
	if len(b) != len(changelog.Hash{}) {
		return changelog.Hash{}, errors.New("a hash has not 32 bytes")
	}
	return changelog.Hash(b), nil
}

func (t *tools) sign(_ context.Context, a struct {
	Seed, Head          raw
	Device, Epoch, Boot uuid.UUID
	Last, Mono          uint64
	Wall                int64
}) (any, error) {
	k, err := key(a.Seed)
	if err != nil {
		return nil, err
	}
	head, err := hash(a.Head)
	if err != nil {
		return nil, err
	}
	m := changelog.PushMessage(a.Device, a.Epoch, a.Last, head, a.Boot, a.Mono, a.Wall)
	return map[string]raw{"message": m, "signature": ed25519.Sign(k, m)}, nil
}

func (t *tools) prove(_ context.Context, a struct {
	Seed         raw
	Device, Code string
}) (any, error) {
	k, err := key(a.Seed)
	if err != nil {
		return nil, err
	}
	id := uuid.Nil
	if a.Device != "" {
		if id, err = uuid.Parse(a.Device); err != nil {
			return nil, err
		}
	}
	m := changelog.EnrolMessage(id, k.Public().(ed25519.PublicKey), a.Code)
	return map[string]raw{"message": m, "signature": ed25519.Sign(k, m)}, nil
}

func (t *tools) body(_ context.Context, a struct {
	History, Device, Epoch, Boot uuid.UUID
	From, Mono                   uint64
	Wall                         int64
	Prev, Head, Signature        raw
	Changes                      []raw
}) (any, error) {
	r := syncproto.PushRequest{History: a.History[:], Device: a.Device[:], Epoch: a.Epoch[:], From: a.From, Prev: a.Prev, Head: a.Head, Signature: a.Signature,
		Boot: a.Boot[:], Mono: a.Mono, Wall: a.Wall}
	for _, c := range a.Changes {
		r.Changes = append(r.Changes, c)
	}
	b, err := t.codec.Marshal(r)
	return map[string]raw{"body": b}, err
}

func (t *tools) answer(_ context.Context, a struct{ Body raw }) (any, error) {
	var r syncproto.PushAnswer
	if err := cbor.Unmarshal(a.Body, &r); err != nil {
		return nil, err
	}
	return map[string]any{"acked": r.Acked, "head": raw(r.Head), "outcomes": r.Outcomes, "server_time": r.ServerTime, "hlc": strconv.FormatUint(r.HLC, 10), "receipt": r.Receipt}, nil
}

func (t *tools) sum(_ context.Context, a struct {
	Rows []struct {
		Table string
		Row   uuid.UUID
		Rev   uint64 `json:",string"`
	}
}) (any, error) {
	var sum uint64
	var parts []string
	for _, r := range a.Rows {
		part := schema.RowSum(r.Table, r.Row, r.Rev)
		sum += part
		parts = append(parts, schema.SumText(part))
	}
	return map[string]any{"parts": parts, "sum": schema.SumText(sum)}, nil
}

type summaryRow struct {
	ID   uuid.UUID
	Cols map[string]cell
}

func (t *tools) summary(_ context.Context, a struct {
	Visit   summaryRow
	Record  *summaryRow  `json:"service_record"`
	Parts   []summaryRow `json:"part_used"`
	Defects []summaryRow `json:"defect"`
	Fees    []summaryRow `json:"fee_line"`
	Rating  *summaryRow
}) (any, error) {
	var failed error
	row := func(table string, r summaryRow) schema.Row {
		cols, err := values(r.Cols)
		failed = errors.Join(failed, err)
		return schema.Row{Table: table, ID: r.ID, Cols: cols}
	}
	rows := func(table string, in []summaryRow) (out []schema.Row) {
		for _, r := range in {
			out = append(out, row(table, r))
		}
		return out
	}
	v := fieldwork.VisitRows{Visit: row("visit", a.Visit), Parts: rows("part_used", a.Parts), Defects: rows("defect", a.Defects), Fees: rows("fee_line", a.Fees)}
	if a.Record != nil {
		r := row("service_record", *a.Record)
		v.Record = &r
	}
	if a.Rating != nil {
		r := row("rating", *a.Rating)
		v.Rating = &r
	}
	content, sum := fieldwork.Summary(v)
	return map[string]any{"content": content, "hash": raw(sum[:])}, failed
}

func (t *tools) receipt(_ context.Context, a struct {
	Keys []struct {
		KID       string
		PublicKey raw `json:"public_key"`
	}
	Token string
}) (any, error) {
	keys := serverkey.Keys{}
	for _, k := range a.Keys {
		keys[k.KID] = ed25519.PublicKey(k.PublicKey)
	}
	var payload json.RawMessage
	switch err := keys.Open(a.Token, &payload); {
	case errors.Is(err, serverkey.ErrUnknownKey):
		return nil, errors.New("unknown-key")
	case err != nil:
		return nil, errors.New("forged")
	}
	return map[string]any{"payload": payload}, nil
}
