package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"time"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
)

// result is what one seed came to.
type result struct {
	Seed    uint64
	Days    int // device-days
	Faults  map[string]int
	Kinds   int            // that exist in its world
	Did     map[string]int // what people did, by what it was
	Trace   string         // hash of the story
	Last    []string
	Found   []finding
	Drained bool
	Rounds  int
}

// finding is a promise that was broken, in words.
type finding struct{ Invariant, Text string }

func findings(errs ...error) (out []finding) {
	for _, err := range errs {
		if err != nil {
			out = append(out, finding{invariantOf(err), err.Error()})
		}
	}
	return out
}

// maxRounds is how many rounds the phones may need once the faults stop.
const maxRounds = 200

// play runs one seed from its first day to the last check.
func play(ctx context.Context, seed uint64, days int, t *template) (out result) {
	out.Seed = seed
	w, err := newWorld(ctx, seed, t)
	if w != nil {
		defer func() { out.Found = append(out.Found, findings(w.close())...) }()
	}
	if err == nil {
		err = w.live(ctx, days, &out)
	}
	if w != nil {
		out.Found = append(out.Found, findings(w.oracle.found...)...)
		out.Faults, out.Did, out.Kinds, out.Last, out.Trace = w.faults, w.did, len(w.kinds), w.trace, hex.EncodeToString(w.digest[:8])
	}
	out.Found = append(out.Found, findings(err)...)
	return out
}

func (w *world) live(ctx context.Context, days int, out *result) error {
	end := w.start.Add(time.Duration(days) * 24 * time.Hour)
	for w.at.Before(end) && len(w.oracle.found) == 0 {
		w.step++
		w.pass()
		if err := w.act(ctx); err != nil {
			return err
		}
	}
	for _, p := range w.phone {
		if !p.gone {
			out.Days += days
		}
	}
	if len(w.oracle.found) > 0 {
		return nil
	}
	if err := w.settle(ctx, out); err != nil {
		return err
	}
	return w.final(ctx)
}

// pass lets time go on; nights are quiet.
func (w *world) pass() {
	w.at = w.at.Add(time.Duration(60+w.rng.IntN(4200)) * time.Second)
	if w.at.Hour() >= 21 || w.at.Hour() < 6 {
		w.at = w.at.Truncate(24 * time.Hour).Add(time.Duration(31*60+w.rng.IntN(60)) * time.Minute)
	}
}

// act is one step of somebody.
func (w *world) act(ctx context.Context) error {
	w.bringLate()
	if err := w.restores(ctx); err != nil {
		return err
	}
	if err := w.restoreServer(ctx); err != nil {
		return err
	}
	if err := w.upgrade(ctx); err != nil {
		return err
	}
	p := w.anyPhone()
	switch n := w.rng.IntN(100); {
	case n < 44:
		return p.record(ctx)
	case n < 78:
		return w.syncOne(ctx, p)
	case n < 88:
		return w.officeStep(ctx)
	case n < 91:
		return w.contest(ctx, p)
	}
	return w.misfortune(ctx, p)
}

func (w *world) anyPhone() *phone {
	for {
		if p := w.phone[w.rng.IntN(len(w.phone))]; !p.gone {
			return p
		}
	}
}

// syncOne is a round of a phone; one whose session ended gets a code, sooner
// or later.
func (w *world) syncOne(ctx context.Context, p *phone) error {
	st, err := p.client.Status(ctx)
	if err != nil {
		return err
	}
	if c := st.Problem.Code; (c == clientsdk.CodeSignIn || c == clientsdk.CodeRevoked) && w.rng.IntN(2) == 0 {
		err := p.enrol(ctx)
		w.tell("%s enrolled again: %s", p.name, word(err))
		p.other = p.other || err != nil // where the answer was lost, the session that it had is over all the same
		if p.dead {
			return p.moveTo(p.next())
		}
	}
	if _, err := p.sync(ctx); err != nil {
		return err
	}
	return p.keeps(ctx)
}

// keeps looks that a phone still has each photo that nobody has verified.
func (p *phone) keeps(ctx context.Context) error {
	st, err := p.client.Status(ctx)
	if err != nil {
		return err
	}
	loose := p.loose
	p.look(st)
	verified := map[[32]byte]bool{}
	for _, u := range st.Uploads {
		verified[u.SHA256] = u.State == clientsdk.Verified
	}
	var there map[string]bool
	for sha := range p.photos {
		if verified[sha] {
			if there == nil {
				if there, err = p.w.objects(); err != nil {
					return err
				}
			}
			if !there[hex.EncodeToString(sha[:])] {
				p.w.oracle.fail(broken("I10", "%s believes that a photo is stored, and it is not", p.name))
			}
			delete(p.photos, sha)
			continue
		}
		f, err := p.client.OpenAttachment(sha)
		if err != nil && loose[sha] {
			delete(p.photos, sha)
			continue
		}
		if err != nil {
			p.w.oracle.fail(broken("P12", "%s lost a photo without a receipt: %v", p.name, err))
			return nil
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// misfortune is a fault that is not of one request.
func (w *world) misfortune(ctx context.Context, p *phone) error {
	kind := w.pick(stepKinds(), "")
	switch kind {
	case phoneRestored:
		dir := fmt.Sprintf("%s/image%d", w.dir, len(w.images)+w.step*100)
		w.images = append(w.images, image{phone: p, dir: dir, due: w.at.Add(time.Duration(6+w.rng.IntN(40)) * time.Hour)})
		w.tell("an image of %s is made", p.name)
		return copyTree(p.dir, dir)
	case phoneCloned:
		return w.clone(p)
	case serverRestored:
		return w.backUp()
	case phonePower:
		w.hit(kind)
		return p.powerCut(ctx)
	case clockHour:
		p.offset += time.Duration(1-2*w.rng.IntN(2)) * time.Hour
	case clockDays:
		p.offset += time.Duration(1-2*w.rng.IntN(2)) * 40 * 24 * time.Hour
	case clock2100:
		p.offset = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).Sub(w.at)
	case clock1970:
		p.offset = time.Unix(3600, 0).Sub(w.at)
	case deviceRevoked:
		if w.faults[deviceRevoked] > 1 {
			return nil
		}
		return w.revoke(ctx, p)
	case jobMoved:
		return w.moveUnder(ctx, p)
	default:
		return nil
	}
	w.hit(kind)
	return nil
}

// look notes which previews no row names.
func (p *phone) look(st clientsdk.Status) {
	p.loose = map[[32]byte]bool{}
	for _, u := range st.Uploads {
		p.loose[u.SHA256] = u.State == clientsdk.Stored && u.Purpose == syncproto.PurposePreview
	}
}

// clone makes a second phone with the same identity.
func (w *world) clone(p *phone) error {
	if w.faults[phoneCloned] > 1 || p.twin {
		return nil
	}
	q := w.makePhone(p.site, p.person)
	if err := copyTree(p.dir, q.dir); err != nil {
		return err
	}
	p.other, q.other = true, true
	q.schema, q.loose = p.schema, maps.Clone(p.loose)
	p.twin, q.twin, q.offset, q.token, q.texts = true, true, p.offset, p.token, 1000
	maps.Copy(q.photos, p.photos)
	maps.Copy(q.unnamed, p.unnamed)
	w.hit(phoneCloned)
	return q.open()
}

// moveUnder gives a job away while its installer has unsent work.
func (w *world) moveUnder(ctx context.Context, p *phone) error {
	items, err := p.client.Unsent(ctx)
	if err != nil {
		return err
	}
	for _, it := range items {
		for _, job := range p.site.jobs {
			if it.Root == job {
				w.hit(jobMoved)
				return w.reassign(ctx, p.site, job)
			}
		}
	}
	return nil
}

// restores puts old images back on their phones.
func (w *world) restores(ctx context.Context) error {
	var rest []image
	for _, i := range w.images {
		if i.due.After(w.at) {
			rest = append(rest, i)
			continue
		}
		if i.phone.gone {
			continue
		}
		w.hit(phoneRestored)
		i.phone.other = true
		if err := i.phone.moveTo(i.dir); err != nil {
			return err
		}
		if err := i.phone.mustArrive(ctx); err != nil {
			return err
		}
		for sha := range i.phone.photos { // those taken since are gone with the old files
			if f, err := i.phone.client.OpenAttachment(sha); err != nil {
				delete(i.phone.photos, sha)
			} else if err := f.Close(); err != nil {
				return err
			}
		}
		st, err := i.phone.client.Status(ctx)
		if err != nil {
			return err
		}
		i.phone.look(st)
	}
	w.images = rest
	return nil
}

// settle stops all faults and lets the phones go on until every queue is
// empty, every case decided and nothing moves any more (I7).
func (w *world) settle(ctx context.Context, out *result) error {
	if w.saved != nil { // the last misfortune: phones that have nothing to send must notice it too
		w.saved.due = w.at
		if err := w.restoreServer(ctx); err != nil {
			return err
		}
	}
	w.older.server = 0
	if err := w.upgrade(ctx); err != nil {
		return err
	}
	w.calm = true
	w.tell("faults stop")
	w.bringLate()
	for _, p := range w.phone {
		if err := p.mustArrive(ctx); err != nil {
			return err
		}
	}
	still := 0
	for out.Rounds = 1; out.Rounds <= maxRounds; out.Rounds++ {
		w.step++
		w.at = w.at.Add(time.Duration(6+out.Rounds) * time.Minute)
		moved, err := w.quietRound(ctx)
		if err != nil {
			return err
		}
		if len(w.oracle.found) > 0 {
			return nil
		}
		if still++; moved {
			still = 0
		}
		if still == 2 { // what a round finds out about another phone, the next one settles
			out.Drained = true
			return nil
		}
	}
	return w.stuck(ctx)
}

func (w *world) quietRound(ctx context.Context) (moved bool, err error) {
	for _, s := range w.sites {
		cases, err := w.openCases(ctx, s)
		if err != nil {
			return false, err
		}
		if len(cases) > 0 {
			moved = true
			if err := w.decideSome(ctx, s, len(cases)); err != nil {
				return false, err
			}
		}
	}
	for _, p := range w.phone {
		if p.gone {
			continue
		}
		m, err := p.quiet(ctx)
		if err != nil {
			return false, fmt.Errorf("%s: %w", p.name, err)
		}
		moved = moved || m
	}
	return moved, nil
}

// quiet is one round without faults; it says whether anything moved or waits.
func (p *phone) quiet(ctx context.Context) (moved bool, err error) {
	r, err := p.client.Sync(ctx)
	if err != nil && !p.other && clientsdk.CodeOf(err) == clientsdk.CodeSignIn {
		p.w.oracle.fail(broken("I7", "%s was locked out: %v", p.name, err))
	}
	if code := clientsdk.CodeOf(err); err != nil && (code == clientsdk.CodeSignIn || code == clientsdk.CodeRevoked) {
		if err := p.enrol(ctx); err != nil {
			return false, err
		}
		r, err = p.client.Sync(ctx)
	}
	p.w.tell("%s quiet: pushed %d pulled %d uploaded %d waiting %d: %s", p.name, r.Pushed, r.Pulled, r.Uploaded, r.Waiting, word(err))
	if err != nil {
		p.w.oracle.fail(p.timer(ctx))
	}
	if r.Repaired {
		p.w.oracle.fail(broken("I5", "%s needed a repair: its feed had skipped or shown something wrong", p.name))
	}
	st, serr := p.client.Status(ctx)
	if serr != nil {
		return false, serr
	}
	if kerr := p.keeps(ctx); kerr != nil {
		return false, kerr
	}
	return err != nil || r.Pushed+r.Pulled+r.Uploaded > 0 || st.Pending+st.Held+p.onlyHere(st) > 0, nil
}

// onlyHere counts the photos that a phone has yet to bring up: one that no row
// names, since its row was refused, is not asked for.
func (p *phone) onlyHere(st clientsdk.Status) (n int) {
	for _, u := range st.Uploads {
		if u.State != clientsdk.Verified && u.Purpose != syncproto.PurposePreview && !p.unnamed[u.SHA256] {
			n++
		}
	}
	return n
}

// stuck says what did not drain.
func (w *world) stuck(ctx context.Context) error {
	text := ""
	for _, p := range w.phone {
		if p.gone {
			continue
		}
		st, err := p.client.Status(ctx)
		if err != nil {
			return err
		}
		if st.Pending+st.Held+p.onlyHere(st) > 0 || st.Problem.Code != "" {
			text += fmt.Sprintf(" %s: %d pending, %d held, %d photos, %s: %s;", p.name, st.Pending, st.Held, p.onlyHere(st), st.Problem.Code,
				p.changes(ctx, "c.state IN ('pending', 'held')", nil))
		}
	}
	return broken("I7", "not drained after %d rounds:%s", maxRounds, text)
}

// invariantOf names the promise of a finding.
func invariantOf(err error) string {
	var v *violation
	if errors.As(err, &v) {
		return v.invariant
	}
	return "error"
}
