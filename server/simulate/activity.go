package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// maxJobs bounds the jobs of a centre: a world's states stay small.
const maxJobs = 14

// found makes a job that was found on the spot, as the app does: with its
// contact, crew, visit and first steps in one transaction.
func (p *phone) found(ctx context.Context) error {
	ids, err := p.newIDs(2)
	if err != nil {
		return err
	}
	job, contact := ids[0], ids[1]
	err = p.edit(ctx, "found job", func(e *clientsdk.Edit) error {
		if err := e.InsertID("job", job, map[string]any{"kind": "aftersale", "warranty": "out", "asked_work": p.text(), "channel": "site",
			"intake_at": p.millis(), "slot_from": p.millis(), "found_on_spot": true, "status": "new"}); err != nil {
			return err
		}
		if err := e.InsertID("job_contact", contact, map[string]any{"job": job, "name": p.site.canary}); err != nil {
			return err
		}
		if _, err := e.Insert("assignment", map[string]any{"job": job, "person": p.person, "lead": true, "active": true}); err != nil {
			return err
		}
		visit, err := e.Insert("visit", map[string]any{"job": job, "person": p.person, "started_at": p.millis()})
		if err != nil {
			return err
		}
		if _, err := e.Insert("visit_event", map[string]any{"visit": visit, "kind": "arrive", "at": p.millis()}); err != nil {
			return err
		}
		for _, status := range []string{"dispatched", "arrived"} {
			if err := e.Update("job", job, map[string]any{"status": status}); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		p.site.jobs = append(p.site.jobs, job)
		p.site.contact[job] = contact
	}
	return err
}

// ids makes ids of the app's own chance.
func (p *phone) newIDs(n int) ([]uuid.UUID, error) {
	out := make([]uuid.UUID, n)
	for i := range out {
		id, err := p.newID()
		if err != nil {
			return nil, err
		}
		out[i] = id
	}
	return out, nil
}

// attach puts made-up bytes of some kind into the phone's photo store.
func (p *phone) attach(ctx context.Context, purpose, mediaType string, head []byte, size int) (clientsdk.Attachment, error) {
	b := append(bytes.Clone(head), make([]byte, size)...)
	_, _ = seeded{p.rng}.Read(b[len(head):])
	a, err := p.client.Attach(ctx, bytes.NewReader(b), purpose, mediaType)
	if err != nil {
		return a, fmt.Errorf("%s attach: %w", p.name, err)
	}
	p.photos[a.SHA256] = true
	return a, nil
}

// naming is an edit whose rows name pictures.
func (p *phone) naming(ctx context.Context, what string, pictures []clientsdk.Attachment, fn func(*clientsdk.Edit) error) error {
	before := p.w.did["phone "+what]
	err := p.edit(ctx, what, fn)
	for _, a := range pictures {
		if p.unnamed[a.SHA256] = p.w.did["phone "+what] == before; !p.unnamed[a.SHA256] {
			delete(p.loose, a.SHA256)
		}
	}
	return err
}

// sign has the customer sign what was done, or not.
func (p *phone) sign(ctx context.Context, visit schema.Row) error {
	content := p.text()
	hash := sha256.Sum256([]byte(content))
	cols := map[string]any{"visit": visit.ID, "signer": "customer", "outcome": "absent", "at": p.millis(), "content": content, "content_hash": hash[:]}
	var picture []clientsdk.Attachment
	if p.w.rng.IntN(3) > 0 {
		a, err := p.attach(ctx, syncproto.PurposeSignature, "image/png", []byte("\x89PNG\r\n\x1a\n"), 100+p.w.rng.IntN(900))
		if err != nil {
			return err
		}
		picture = append(picture, a)
		cols["signer"] = "store"
		cols["outcome"], cols["image"], cols["image_size"] = "signed", a.SHA256[:], a.Size
	}
	return p.naming(ctx, "signature", picture, func(e *clientsdk.Edit) error {
		if _, err := e.Insert("rating", map[string]any{"visit": visit.ID, "quality": int64(5), "attitude": int64(4), "handover": true}); err != nil {
			return err
		}
		_, err := e.Insert("signature", cols)
		return err
	})
}

// defect records a defect with a photo of it and the photo's preview.
func (p *phone) defect(ctx context.Context, j, visit schema.Row) error {
	original, preview, err := p.picture(ctx)
	if err != nil {
		return err
	}
	return p.naming(ctx, "defect", []clientsdk.Attachment{original, preview}, func(e *clientsdk.Edit) error {
		defect, err := e.Insert("defect", map[string]any{"job": j.ID, "visit": visit.ID, "class": "other", "text": p.text(), "status": "open"})
		if err != nil {
			return err
		}
		_, err = e.Insert("photo", p.knowing(map[string]any{"job": j.ID, "visit": visit.ID, "defect": defect, "role": "full", "taken_at": p.millis(),
			"original": original.SHA256[:], "original_size": original.Size, "original_type": "image/jpeg", "preview": preview.SHA256[:], "preview_size": preview.Size}, p.sharp()))
		return err
	})
}

// picture takes a picture with its preview.
func (p *phone) picture(ctx context.Context) (original, preview clientsdk.Attachment, err error) {
	jpeg := []byte{0xFF, 0xD8, 0xFF, 0xE0, 0, 16, 'J', 'F', 'I', 'F', 0}
	if original, err = p.attach(ctx, syncproto.PurposePhoto, "image/jpeg", jpeg, 200+p.w.rng.IntN(3000)); err != nil {
		return original, preview, err
	}
	preview, err = p.attach(ctx, syncproto.PurposePreview, "image/jpeg", jpeg, 80)
	return original, preview, err
}

// photo takes a picture of the work; sometimes a sync runs between the picture
// and the row that names it.
func (p *phone) photo(ctx context.Context, j, visit schema.Row) error {
	original, preview, err := p.picture(ctx)
	if err != nil {
		return err
	}
	if p.w.rng.IntN(4) == 0 {
		if _, err := p.sync(ctx); err != nil {
			return err
		}
	}
	return p.naming(ctx, "photo", []clientsdk.Attachment{original, preview}, func(e *clientsdk.Edit) error {
		_, err := e.Insert("photo", p.knowing(map[string]any{"job": j.ID, "visit": visit.ID, "role": "after", "taken_at": p.millis(), "original": original.SHA256[:],
			"original_size": original.Size, "original_type": "image/jpeg", "preview": preview.SHA256[:], "preview_size": preview.Size}, p.sharp()))
		return err
	})
}

// remit books money that an installer handed in at the centre.
func (w *world) remit(ctx context.Context, s *site) error {
	who := s.installers[w.rng.IntN(len(s.installers))]
	amount := int64(100 + w.rng.IntN(90000))
	before := w.did["office remittance"]
	err := w.write(ctx, s, "remittance", insert("remittance", w.node.newID(), map[string]any{"person": who[:], "receipt_no": fmt.Sprintf("%s-%d", s.name, w.step),
		"amount": amount, "currency": "CNY", "handed_at": w.at.UnixMilli()}))
	if w.did["office remittance"] > before {
		s.remitted += amount
	}
	return err
}

// contest has a phone and the office change the same amount, or the same
// telephone number, without knowing of each other.
func (w *world) contest(ctx context.Context, p *phone) error {
	table, column := "fee_line", "charged"
	if w.rng.IntN(3) == 0 {
		table, column = "job_contact", "phone"
	}
	var rows []schema.Row
	if err := p.client.View(ctx, func(v *clientsdk.View) (err error) {
		rows, err = v.Rows(table, clientsdk.Query{})
		return err
	}); err != nil || len(rows) == 0 {
		return err
	}
	row := rows[len(rows)-1].ID // the newest: ids rise
	values := func() map[string]any {
		if column == "phone" {
			return map[string]any{column: fmt.Sprintf("138 %d", w.rng.IntN(1<<30))}
		}
		return map[string]any{column: int64(100 + w.rng.IntN(4000)), "basis": "below", "reason": "agreed"}
	}
	stands, ok, err := w.node.core.Store.StateRow(ctx, p.site.id, table, row)
	if err != nil || !ok || stands.Deleted {
		return err
	}
	if err := w.write(ctx, p.site, "contested "+table, update(table, row, 0, values())); err != nil {
		return err
	}
	w.at = w.at.Add(2 * time.Second)
	return p.edit(ctx, "contested "+table, func(e *clientsdk.Edit) error { return e.Update(table, row, values()) })
}
