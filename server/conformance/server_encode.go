package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// schema checks section 9.
func (s *site) schema() []check {
	return []check{
		{"9", "P9", "GET /v1/schema needs no token and is a schema that reads back", func(ctx context.Context) error {
			a, err := s.call(ctx, http.MethodGet, syncproto.PathSchema, "", nil)
			if err != nil {
				return err
			}
			d, err := schema.Parse(a.body)
			if a.status != 200 || err != nil || d.Version < 1 || len(d.Tables) == 0 || d.Version != s.main.answer.Schema {
				return differs(fmt.Sprintf("200, version %d", s.main.answer.Schema), fmt.Sprintf("%s %v", a, err))
			}
			return nil
		}},
		{"9", "P9", "an earlier version stays available, an unknown one is refused", func(ctx context.Context) error {
			a, err := s.call(ctx, http.MethodGet, syncproto.PathSchema+"?version=1", "", nil)
			if err != nil {
				return err
			}
			if d, err := schema.Parse(a.body); a.status != 200 || err != nil || d.Version != 1 {
				return differs("200, version 1", fmt.Sprintf("%s %v", a, err))
			}
			a, err = s.call(ctx, http.MethodGet, syncproto.PathSchema+"?version=999999", "", nil)
			if err != nil {
				return err
			}
			if a.status/100 != 4 || a.problem.Code == "" {
				return differs("a refusal", a)
			}
			return nil
		}},
	}
}

// vector is a case of readable.json or undecodable.json.
type vector struct{ Name, Bytes, Why string }

func (o options) load(name string, into any) error {
	b, err := os.ReadFile(filepath.Join(o.vectors, name))
	if err != nil {
		return absent("needs the vectors: " + err.Error())
	}
	return json.Unmarshal(b, into)
}

// encodings checks sections 3 and 10 as far as a server shows them.
func (s *site) encodings() []check {
	m := func(promise, name string, do func(context.Context) error) check { return check{"3", promise, name, do} }
	return []check{
		m("P4", "every undecodable vector is acknowledged and held `undecodable`, with a case", s.undecodable),
		m("P4", "undecodable numbers: seq, txn or last that does not fit its place", s.misplaced),
		m("P9", "a change with an unknown key, and one with longer forms than needed, apply plainly", s.lenient),
		m("", "a push without compression is the same as one with", func(ctx context.Context) error {
			d := s.main
			b, err := d.codec.Marshal(d.batch(1, d.heads[0], d.log[0]))
			if err != nil {
				return err
			}
			got, a, err := d.pushBytes(ctx, b, "")
			if err == nil && (a.status != 200 || got.Acked != d.seq) {
				err = differs(fmt.Sprintf("200, acked %d", d.seq), a)
			}
			return err
		}),
		m("", "a packed push is the plain one; one of another size than it says: refused", s.packed),
		m("", "gzip: 415 encoding-unsupported; HTML: 415 type-unsupported", func(ctx context.Context) error {
			_, a, err := s.main.pushBytes(ctx, []byte{0x1f, 0x8b}, "gzip")
			if err != nil {
				return err
			}
			if err := a.refused(syncproto.EncodingUnsupported); err != nil {
				return err
			}
			a, err = s.call(ctx, http.MethodPost, syncproto.PathPush, s.main.answer.AccessToken, []byte("<p>"), "Content-Type", "text/html")
			if err != nil {
				return err
			}
			return a.refused(syncproto.TypeUnsupported)
		}),
		m("", "a body that is no CBOR, a cut one, cut zstd: refused with 400 or 422", func(ctx context.Context) error {
			whole, err := s.main.codec.Marshal(s.main.batch(1, s.main.heads[0], s.main.log[0]))
			if err != nil {
				return err
			}
			squeezed := s.zstd.EncodeAll(whole, nil)
			for _, c := range []struct {
				body     []byte
				encoding string
			}{{[]byte("<html>"), ""}, {whole[:len(whole)/2], ""}, {append(bytes.Clone(whole), 0xf6), ""}, {squeezed[:len(squeezed)-9], "zstd"}, {[]byte{}, ""}} {
				_, a, err := s.main.pushBytes(ctx, c.body, c.encoding)
				if err != nil {
					return err
				}
				if a.status != 400 && a.status != 422 || a.problem.Code == "" {
					return differs("400 or 422", a)
				}
			}
			return nil
		}),
	}
}

func (s *site) undecodable(ctx context.Context) error {
	var list []vector
	if err := s.load("undecodable.json", &list); err != nil {
		return err
	}
	var changes [][]byte
	for _, v := range list {
		b, err := hex.DecodeString(v.Bytes)
		if err != nil {
			return err
		}
		changes = append(changes, b)
	}
	from := s.main.seq + 1
	got, err := s.main.sound(ctx, changes...)
	if err != nil {
		return err
	}
	held := map[uint64]syncproto.Outcome{}
	for _, o := range got.Outcomes {
		held[o.Seq] = o
	}
	for i, v := range list {
		if o := held[from+uint64(i)]; o.Code != syncproto.Held || o.Reason != syncproto.Undecodable || len(o.Case) != 16 {
			return differs(v.Name+": held undecodable with a case", fmt.Sprintf("%+v", o))
		}
	}
	return nil
}

func (s *site) misplaced(ctx context.Context) error {
	d := s.main
	for name, c := range map[string]func() ([]byte, error){
		"seq": func() ([]byte, error) { b, err := d.singles(d.seq+7, day("错位")); return first(b), err },
		"txn": func() ([]byte, error) {
			b, err := d.txn(d.seq, day("a"), day("b")) // the second of a transaction that never began here
			return b[1], err
		},
	} {
		b, err := c()
		if err != nil {
			return err
		}
		got, err := d.sound(ctx, b)
		if err != nil {
			return err
		}
		if len(got.Outcomes) != 1 || got.Outcomes[0].Code != syncproto.Held || got.Outcomes[0].Reason != syncproto.Undecodable {
			return differs(name+": held undecodable", fmt.Sprintf("%+v", got.Outcomes))
		}
	}
	return nil
}

func first(b [][]byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b[0]
}

func (s *site) lenient(ctx context.Context) error {
	d := s.main
	d.start(newID()) // what an earlier check left held holds back its own log alone
	b, err := d.singles(d.seq+1, day("带新键"))
	if err != nil {
		return err
	}
	// An insert is a map of 15 pairs, 0xaf: one pair more, key 99; then the same
	// map with its length in a byte of its own.
	more := append([]byte{0xb0}, b[0][1:]...)
	more = append(more, 0x18, 99, 0x01)
	if _, err := d.soundPlain(ctx, more); err != nil {
		return err
	}
	if b, err = d.singles(d.seq+1, day("长写法")); err != nil {
		return err
	}
	_, err = d.soundPlain(ctx, append([]byte{0xb8, 15}, b[0][1:]...))
	return err
}

// soundPlain pushes changes that must apply without any outcome.
func (d *device) soundPlain(ctx context.Context, changes ...[]byte) (syncproto.PushAnswer, error) {
	got, err := d.sound(ctx, changes...)
	if err == nil && len(got.Outcomes) != 0 {
		err = differs("no outcome", fmt.Sprintf("%+v", got.Outcomes))
	}
	return got, err
}
