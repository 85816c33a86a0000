package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"strings"

	"siteledger/syncproto"
)

func jsonBytes(v any) ([]byte, error) { return json.Marshal(v) }

// photo draws a small picture that no other call draws.
func photo() ([]byte, error) {
	id := newID()
	img := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for i := range 64 * 48 {
		img.Set(i%64, i/64, color.RGBA{id[i%16], id[(i*7)%16] ^ byte(i), byte(i), 255})
	}
	var b bytes.Buffer
	err := jpeg.Encode(&b, img, nil)
	return b.Bytes(), err
}

func shaText(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (d *device) plan(ctx context.Context, blobs ...syncproto.PlanBlob) ([]syncproto.PlannedBlob, answer, error) {
	var got syncproto.PlanAnswer
	a, err := d.post(ctx, syncproto.PathBlobPlan, d.answer.AccessToken, syncproto.PlanRequest{Blobs: blobs}, &got)
	if err == nil && a.status == 200 && len(got.Blobs) != len(blobs) {
		err = differs(fmt.Sprintf("%d plans", len(blobs)), len(got.Blobs))
	}
	return got.Blobs, a, err
}

func (d *device) planPhoto(ctx context.Context, b []byte) (syncproto.PlannedBlob, error) {
	got, a, err := d.plan(ctx, syncproto.PlanBlob{SHA256: shaText(b), Size: int64(len(b)), Type: "image/jpeg", Purpose: syncproto.PurposePhoto})
	if err != nil {
		return syncproto.PlannedBlob{}, err
	}
	if a.status != 200 || got[0].SHA256 != shaText(b) {
		return syncproto.PlannedBlob{}, differs(200, a)
	}
	return got[0], nil
}

// put uploads to a planned address with exactly the planned headers.
func (d *device) put(ctx context.Context, url string, headers map[string]string, b []byte) (answer, error) {
	var list []string
	for k, v := range headers {
		list = append(list, k, v)
	}
	if headers["Content-Type"] == "" && headers["content-type"] == "" {
		list = append(list, "Content-Type", "")
	}
	return d.call(ctx, http.MethodPut, url, "", b, list...)
}

func (d *device) commit(ctx context.Context, req syncproto.CommitRequest) (syncproto.CommitAnswer, answer, error) {
	var got syncproto.CommitAnswer
	a, err := d.post(ctx, syncproto.PathBlobCommit, d.answer.AccessToken, req, &got)
	return got, a, err
}

func (s *site) blobs() []check {
	m := func(promise, name string, do func(context.Context) error) check { return check{"7", promise, name, do} }
	var b []byte
	var plan syncproto.PlannedBlob
	return []check{
		m("", "plan: `put` with a URL and headers that bind length, SHA-256 and If-None-Match", func(ctx context.Context) (err error) {
			if b, err = photo(); err != nil {
				return err
			}
			if plan, err = s.main.planPhoto(ctx, b); err != nil {
				return err
			}
			has := false
			for k, v := range plan.Headers {
				has = has || strings.EqualFold(k, "If-None-Match") && v == "*"
			}
			if plan.State != syncproto.StatePut || plan.URL == "" || !has {
				return differs("put, a URL, If-None-Match: *", fmt.Sprintf("%s %v", plan.State, plan.Headers))
			}
			return nil
		}),
		m("P12", "commit before the bytes arrived: 409 upload-incomplete or blob-absent", func(ctx context.Context) error {
			return s.refusedCommit(ctx, shaText(b), syncproto.UploadIncomplete, syncproto.BlobAbsent)
		}),
		m("P12", "other bytes are refused by the storage, or at commit as blob-mismatch; the next plan gives `put`", func(ctx context.Context) error {
			a, err := s.main.put(ctx, plan.URL, plan.Headers, flip(b))
			if err != nil {
				return err
			}
			if a.status/100 == 2 {
				if err := s.refusedCommit(ctx, shaText(b), syncproto.BlobMismatch); err != nil {
					return err
				}
			}
			p, err := s.main.planPhoto(ctx, b)
			if err == nil && p.State != syncproto.StatePut {
				err = differs("put", p.State)
			}
			plan = p
			return err
		}),
		m("P12", "put, commit: 200 and a receipt over history, sha256, size and device", func(ctx context.Context) error { return s.upload(ctx, plan, b) }),
		m("P2", "commit again: the same blob, a receipt again; plan again: `have` with the receipt", func(ctx context.Context) error {
			got, a, err := s.main.commit(ctx, syncproto.CommitRequest{SHA256: shaText(b)})
			if err != nil {
				return err
			}
			if a.status != 200 {
				return differs(200, a)
			}
			if err := s.receipt(got.Receipt, b); err != nil {
				return err
			}
			p, err := s.main.planPhoto(ctx, b)
			if err != nil {
				return err
			}
			if p.State != syncproto.StateHave {
				return differs("have", p.State)
			}
			return s.receipt(p.Receipt, b)
		}),
		m("P8", "the same address again: 412, the stored bytes stand", func(ctx context.Context) error {
			a, err := s.main.put(ctx, plan.URL, plan.Headers, b)
			if err == nil && a.status != http.StatusPreconditionFailed {
				err = differs(412, a.status)
			}
			return err
		}),
		m("P7", "a blob that no visible row names: 404; one that a row names: 303 to the bytes", func(ctx context.Context) error { return s.fetch(ctx, b) }),
		m("P7", "another device gets nothing for knowing a hash: its plan is `put`, its GET 404", func(ctx context.Context) error {
			if err := s.hasOther(); err != nil {
				return err
			}
			p, err := s.other.planPhoto(ctx, b)
			if err != nil {
				return err
			}
			if p.State != syncproto.StatePut {
				return differs("put", p.State)
			}
			a, err := s.call(ctx, http.MethodGet, syncproto.PathBlobs+shaText(b), s.other.answer.AccessToken, nil)
			if err != nil {
				return err
			}
			return a.refused(syncproto.NotFound)
		}),
		m("", "HTML that calls itself a photo: 422 blob-type at commit, and the next plan is `put`", func(ctx context.Context) error {
			page := []byte("<!doctype html><title>Wi-Fi " + newID().String() + "</title><script>alert(1)</script>")
			p, err := s.main.planPhoto(ctx, page)
			if err != nil {
				return err
			}
			if _, err := s.main.put(ctx, p.URL, p.Headers, page); err != nil {
				return err
			}
			if err := s.refusedCommit(ctx, shaText(page), syncproto.BlobType); err != nil {
				return err
			}
			if p, err = s.main.planPhoto(ctx, page); err == nil && p.State != syncproto.StatePut {
				err = differs("put", p.State)
			}
			return err
		}),
		m("", "types and sizes at plan: 422 blob-type, 413 blob-too-large; 201 blobs are refused", s.badPlans),
		m("", "commit of what was never planned: 409 blob-absent", func(ctx context.Context) error {
			return s.refusedCommit(ctx, shaText([]byte(newID().String())), syncproto.BlobAbsent)
		}),
		m("P12", "a big photo in parts: planning again gives the same upload with what arrived, commit joins them", s.parts),
	}
}

func (s *site) refusedCommit(ctx context.Context, sha string, codes ...syncproto.Code) error {
	_, a, err := s.main.commit(ctx, syncproto.CommitRequest{SHA256: sha})
	if err != nil {
		return err
	}
	var refused error
	for _, c := range codes {
		if refused = a.refused(c); refused == nil {
			return nil
		}
	}
	return refused
}

func (s *site) upload(ctx context.Context, p syncproto.PlannedBlob, b []byte) error {
	a, err := s.main.put(ctx, p.URL, p.Headers, b)
	if err != nil {
		return err
	}
	if a.status/100 != 2 {
		return differs("2xx of the storage", fmt.Sprintf("%d %.200s", a.status, a.body))
	}
	got, a, err := s.main.commit(ctx, syncproto.CommitRequest{SHA256: p.SHA256})
	if err != nil {
		return err
	}
	if a.status != 200 || got.SHA256 != p.SHA256 || got.Size != int64(len(b)) {
		return differs("200 with sha256 and size", fmt.Sprintf("%s %+v", a, got))
	}
	return s.receipt(got.Receipt, b)
}

func (s *site) receipt(token string, b []byte) error {
	var r syncproto.BlobReceipt
	if err := s.main.open(token, &r); err != nil {
		return err
	}
	want := syncproto.BlobReceipt{History: s.main.answer.History, SHA256: shaText(b), Size: int64(len(b)), At: r.At, Device: s.main.answer.Device}
	if r != want || r.At <= 0 {
		return differs(fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", r))
	}
	return nil
}

func (s *site) fetch(ctx context.Context, b []byte) error {
	path := syncproto.PathBlobs + shaText(b)
	a, err := s.call(ctx, http.MethodGet, path, s.main.answer.AccessToken, nil)
	if err != nil {
		return err
	}
	if err := a.refused(syncproto.NotFound); err != nil {
		return err
	}
	if err := s.needJob(); err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	got, err := s.main.write(ctx, insert("photo", map[string]any{"job": s.job.id[:], "role": "before", "original": sum[:], "original_size": int64(len(b)),
		"original_type": "image/jpeg", "taken_at": int64(1795312800000)}))
	if err != nil {
		return err
	}
	if len(got.Outcomes) > 0 {
		return differs("a plain photo row", fmt.Sprintf("%+v", got.Outcomes))
	}
	if a, err = s.call(ctx, http.MethodGet, path, s.main.answer.AccessToken, nil); err != nil {
		return err
	}
	if a.status != http.StatusSeeOther {
		return differs(303, a)
	}
	if a, err = s.call(ctx, http.MethodGet, a.header.Get("Location"), "", nil); err != nil {
		return err
	}
	if a.status != 200 || !bytes.Equal(a.body, b) {
		return differs("the bytes", fmt.Sprintf("%d, %d bytes", a.status, len(a.body)))
	}
	return nil
}

func (s *site) badPlans(ctx context.Context) error {
	sha := shaText([]byte("x"))
	l := syncproto.DefaultLimits()
	for _, c := range []struct {
		blob syncproto.PlanBlob
		code syncproto.Code
	}{
		{syncproto.PlanBlob{SHA256: sha, Size: 10, Type: "text/html", Purpose: syncproto.PurposePhoto}, syncproto.BlobType},
		{syncproto.PlanBlob{SHA256: sha, Size: 10, Type: "application/pdf", Purpose: syncproto.PurposePhoto}, syncproto.BlobType},
		{syncproto.PlanBlob{SHA256: sha, Size: l.MaxPhotoBytes + 1, Type: "image/jpeg", Purpose: syncproto.PurposePhoto}, syncproto.BlobTooLarge},
		{syncproto.PlanBlob{SHA256: sha, Size: l.MaxPreviewBytes + 1, Type: "image/jpeg", Purpose: syncproto.PurposePreview}, syncproto.BlobTooLarge},
		{syncproto.PlanBlob{SHA256: "../../etc/passwd", Size: 10, Type: "image/jpeg", Purpose: syncproto.PurposePhoto}, syncproto.BodyInvalid},
	} {
		_, a, err := s.main.plan(ctx, c.blob)
		if err != nil {
			return err
		}
		if err := a.refused(c.code); err != nil {
			return err
		}
	}
	many := make([]syncproto.PlanBlob, 201)
	for i := range many {
		many[i] = syncproto.PlanBlob{SHA256: shaText([]byte{byte(i)}), Size: 10, Type: "image/jpeg", Purpose: syncproto.PurposePhoto}
	}
	_, a, err := s.main.plan(ctx, many...)
	if err == nil && (a.status/100 != 4 || a.problem.Code == "") {
		err = differs("a refusal", a)
	}
	return err
}

func (s *site) parts(ctx context.Context) error {
	small, err := photo()
	if err != nil {
		return err
	}
	b := append(small, make([]byte, 20<<20)...) // what follows a picture's end is of no matter to its type
	p, err := s.main.planPhoto(ctx, b)
	if err != nil {
		return err
	}
	if p.State != syncproto.StateParts {
		return absent("the server takes 20 MiB in one piece")
	}
	part := func(n int) []byte { return b[int64(n-1)*p.PartSize : min(int64(n)*p.PartSize, int64(len(b)))] }
	if a, err := s.main.put(ctx, p.Parts[0].URL, p.Parts[0].Headers, part(1)); err != nil || a.status/100 != 2 {
		return differs("2xx of the storage", fmt.Sprint(a.status, err))
	}
	again, err := s.main.planPhoto(ctx, b)
	if err != nil {
		return err
	}
	if again.Upload != p.Upload || len(again.Parts) < 2 || !again.Parts[0].Done || again.Parts[0].ETag == "" || again.Parts[1].Done {
		return differs("the same upload, part 1 done", fmt.Sprintf("%.200v", again.Parts))
	}
	req := syncproto.CommitRequest{SHA256: p.SHA256, Upload: p.Upload}
	for _, q := range again.Parts {
		tag := q.ETag
		if !q.Done {
			a, err := s.main.put(ctx, q.URL, q.Headers, part(q.Number))
			if err != nil || a.status/100 != 2 {
				return differs("2xx of the storage", fmt.Sprint(a.status, err))
			}
			tag = a.header.Get("ETag")
		}
		req.Parts = append(req.Parts, syncproto.CommitPart{Number: q.Number, ETag: tag})
	}
	got, a, err := s.main.commit(ctx, req)
	if err != nil {
		return err
	}
	if a.status != 200 {
		return differs(200, a)
	}
	return s.receipt(got.Receipt, b)
}
