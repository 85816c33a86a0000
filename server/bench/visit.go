package main

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/fieldwork"
)

// pen writes one transaction: the client SDK's, or a raw device's.
type pen interface {
	Insert(table string, cols map[string]any) (uuid.UUID, error)
	Update(table string, id uuid.UUID, cols map[string]any) error
	// NextReceipt is a number of the phone's own; empty where receipts are
	// left out.
	NextReceipt() (string, error)
}

// visit is a whole visit of a job as the phone's screens record it: each step
// is a transaction of its own, durable before the next screen.
type visit struct {
	job, person uuid.UUID
	first       bool // the job's first visit, which takes its state along
	say         *phrases
	pictures    []picture // the photos, the signature last

	visit, record uuid.UUID
}

// picture is a blob that a row names.
type picture struct {
	sha  [32]byte
	size int64
}

// photosOfVisit is how many photos a visit has; the signature comes on top.
const photosOfVisit = 6

func noPictures() []picture {
	var out []picture
	for range photosOfVisit + 1 {
		id := uuid.New()
		out = append(out, picture{sha256.Sum256(id[:]), 2_400_000})
	}
	return out
}

// rowsOfVisit is how many rows a visit adds, its receipt left out.
const rowsOfVisit = 1 + 6 + 1 + 2 + photosOfVisit + 1 + 2 + 1 + 1 + 1

func now() int64 { return time.Now().UnixMilli() }

// steps are the visit's transactions in order.
func (v *visit) steps() []func(pen) error {
	out := []func(pen) error{v.depart, v.arrive, v.fault,
		v.set(func() map[string]any { return map[string]any{"cause": v.say.sentence()} }),
		v.set(func() map[string]any { return map[string]any{"measure": v.say.sentence()} }),
		v.set(func() map[string]any { return map[string]any{"training_done": true, "restored": true, "cleaned": true} }),
		v.parts}
	for i := range photosOfVisit {
		out = append(out, func(p pen) error { return v.photo(p, i) })
	}
	return append(out, v.note, v.fees, v.receipt, v.handover, v.rate, v.sign, v.close)
}

func (v *visit) event(p pen, kind string) error {
	_, err := p.Insert("visit_event", map[string]any{"visit": v.visit, "kind": kind, "at": now()})
	return err
}

func (v *visit) status(p pen, to string) error {
	if !v.first {
		return nil
	}
	return p.Update("job", v.job, map[string]any{"status": to})
}

func (v *visit) depart(p pen) (err error) {
	if v.visit, err = p.Insert("visit", map[string]any{"job": v.job, "person": v.person, "started_at": now()}); err != nil {
		return err
	}
	if err := v.event(p, "depart"); err != nil {
		return err
	}
	return v.status(p, "departed")
}

func (v *visit) arrive(p pen) error {
	if err := v.event(p, "arrive"); err != nil {
		return err
	}
	return v.status(p, "arrived")
}

func (v *visit) fault(p pen) (err error) {
	v.record, err = p.Insert("service_record", map[string]any{"visit": v.visit, "fault": v.say.sentence()})
	return err
}

func (v *visit) set(cols func() map[string]any) func(pen) error {
	return func(p pen) error { return p.Update("service_record", v.record, cols()) }
}

func (v *visit) parts(p pen) error {
	for _, name := range []string{"缓冲铰链", "台面胶条"} {
		if _, err := p.Insert("part_used", map[string]any{"visit": v.visit, "name": name, "quantity": int64(1 + v.say.r.IntN(4)), "old_part_missing": "顾客要求留下旧件"}); err != nil {
			return err
		}
	}
	return nil
}

func (v *visit) photo(p pen, i int) error {
	pic := v.pictures[i]
	_, err := p.Insert("photo", map[string]any{"job": v.job, "visit": v.visit, "role": []string{"full", "close", "before", "during", "after", "scale"}[i%6],
		"original": pic.sha[:], "original_size": pic.size, "original_type": "image/jpeg", "width": int64(4000), "height": int64(3000), "orientation": int64(1),
		"taken_at": now(), "blur": int64(100 + v.say.r.IntN(900)), "source": "camera"})
	return err
}

func (v *visit) note(p pen) error {
	_, err := p.Insert("note", map[string]any{"job": v.job, "kind": "note", "text": v.say.sentence(), "at": now(), "author": v.person})
	return err
}

func (v *visit) fees(p pen) error {
	if err := v.event(p, "standard"); err != nil {
		return err
	}
	for _, f := range []struct {
		item, name string
		price      int64
	}{{"F01", "上门费", 5000}, {"F07", "台面修补", 18000}} {
		if _, err := p.Insert("fee_line", map[string]any{"visit": v.visit, "item": f.item, "name": f.name, "standard_version": "2026-1", "quantity": int64(1),
			"standard_price": f.price, "charged": f.price, "currency": "CNY", "basis": "standard"}); err != nil {
			return err
		}
	}
	return nil
}

func (v *visit) receipt(p pen) error {
	no, err := p.NextReceipt()
	if err != nil || no == "" {
		return err
	}
	_, err = p.Insert("receipt", map[string]any{"visit": v.visit, "no": no, "amount": int64(23000), "currency": "CNY", "payer": "张女士", "way": "qr", "issued_at": now(), "invoice": "none"})
	return err
}

func (v *visit) handover(p pen) error {
	if err := v.event(p, "selfcheck"); err != nil {
		return err
	}
	if err := p.Update("visit", v.visit, map[string]any{"outcome": "solved"}); err != nil {
		return err
	}
	return v.event(p, "handover")
}

func (v *visit) rate(p pen) error {
	_, err := p.Insert("rating", map[string]any{"visit": v.visit, "quality": int64(5), "attitude": int64(4), "comment": "师傅很仔细", "handover": true})
	return err
}

func (v *visit) sign(p pen) error {
	content := fmt.Sprintf("服务确认单 · %s\n故障现象: %s\n维修措施: %s\n收费合计: 230.00 元\n维修质量: 5/5\n服务态度: 4/5\n", v.visit, v.say.sentence(), v.say.sentence())
	sum := sha256.Sum256([]byte(content))
	pic := v.pictures[len(v.pictures)-1]
	_, err := p.Insert("signature", map[string]any{"visit": v.visit, "signer": fieldwork.SignerCustomer, "outcome": fieldwork.Signed, "at": now(),
		"content": content, "content_hash": sum[:], "image": pic.sha[:], "image_size": min(pic.size, 30000)})
	return err
}

func (v *visit) close(p pen) error {
	if err := v.event(p, "leave"); err != nil {
		return err
	}
	if _, err := p.Insert("visit_close", map[string]any{"visit": v.visit, "at": now(), "rows": int64(rowsOfVisit), "photos": int64(photosOfVisit)}); err != nil {
		return err
	}
	return v.status(p, "finished")
}

// purposeOf says what a visit's i-th picture is.
func purposeOf(i int) (purpose, mediaType string) {
	if i == photosOfVisit {
		return syncproto.PurposeSignature, "image/png"
	}
	return syncproto.PurposePhoto, "image/jpeg"
}
