package centre

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"siteledger/server/handout"
	"siteledger/server/report"
	"siteledger/server/web"
	"siteledger/syncproto/fieldwork"
)

// Handouts makes and opens links to a customer's copy; *handout.Desk does.
type Handouts interface {
	Make(ctx context.Context, by, centre, job, visit uuid.UUID) (string, handout.Link, error)
	Of(ctx context.Context, centre, visit uuid.UUID) ([]handout.Link, error)
	Revoke(ctx context.Context, centre, id uuid.UUID) error
	Open(ctx context.Context, token, remote string) (handout.Link, error)
	Opened(ctx context.Context, l handout.Link) error
}

//go:embed copy.html
var copyText string

// maxCopyImage bounds the signature picture that is laid into the page.
const maxCopyImage = 1 << 20

// linkView is a link as the desk lists it.
type linkView struct {
	handout.Link
	By    string
	Works bool
}

// CopyPage is the desk's page of one visit's links.
type CopyPage struct {
	Job     uuid.UUID
	Visit   uuid.UUID
	URL     string // shown this once
	QR      template.URL
	Until   int64
	Links   []linkView
	Problem string
}

// copies serves GET /centre/jobs/{id}/visits/{visit}/copy: the links to the
// customer's copy of a visit.
func (d *Door) copies(c *web.Context) error { return d.showCopies(c, http.StatusOK, CopyPage{}) }

func (d *Door) showCopies(c *web.Context, status int, p CopyPage) error {
	f, visit, err := d.ownVisit(c)
	if err != nil {
		return err
	}
	p.Job, p.Visit = f.Job, visit.ID
	links, err := d.cfg.Handouts.Of(c.Context(), c.Person.Centre, visit.ID)
	if err != nil {
		return err
	}
	for _, l := range links {
		p.Links = append(p.Links, linkView{Link: l, By: f.Name(l.MadeBy), Works: l.Works(c.Now)})
	}
	return c.RenderStatus(status, "copies", web.Page{Title: c.T("copy.title"), Nav: "jobs", Data: p})
}

// ownVisit finds the visit of a job of the person's own centre.
func (d *Door) ownVisit(c *web.Context) (report.JobFile, report.FileRow, error) {
	job, err := c.PathID("id")
	if err != nil {
		return report.JobFile{}, report.FileRow{}, err
	}
	id, err := c.PathID("visit")
	if err != nil {
		return report.JobFile{}, report.FileRow{}, err
	}
	if d.cfg.Handouts == nil {
		return report.JobFile{}, report.FileRow{}, web.NotFound()
	}
	f, err := d.cfg.Reports.JobFile(c.Context(), c.Person.Centre, job)
	if err != nil {
		return f, report.FileRow{}, err
	}
	v, ok := f.Find("visit", id)
	if !ok {
		return f, v, web.NotFound()
	}
	return f, v, nil
}

// makeCopy serves POST /centre/jobs/{id}/visits/{visit}/copy: a new link,
// shown once.
func (d *Door) makeCopy(c *web.Context) error {
	f, visit, err := d.ownVisit(c)
	if err != nil {
		return err
	}
	token, link, err := d.cfg.Handouts.Make(c.Context(), c.Person.ID, c.Person.Centre, f.Job, visit.ID)
	if status, text, ok := c.Problem(err); ok {
		return d.showCopies(c, status, CopyPage{Problem: text})
	}
	if err != nil {
		return err
	}
	p := CopyPage{URL: strings.TrimSuffix(d.cfg.Server, "/") + "/copy/" + token, Until: link.Until}
	if p.QR, err = qr(p.URL); err != nil {
		return err
	}
	return d.showCopies(c, http.StatusOK, p)
}

// revokeCopy serves POST /centre/jobs/{id}/visits/{visit}/copy/{link}/revoke.
func (d *Door) revokeCopy(c *web.Context) error {
	f, visit, err := d.ownVisit(c)
	if err != nil {
		return err
	}
	id, err := c.PathID("link")
	if err != nil {
		return err
	}
	if err := d.cfg.Handouts.Revoke(c.Context(), c.Person.Centre, id); err != nil {
		return err
	}
	c.Flash("ok", c.T("copy.revoked"))
	return c.Redirect("/centre/jobs/" + f.Job.String() + "/visits/" + visit.ID.String() + "/copy")
}

// copySheet is what the customer sees: one visit, nothing internal, and no
// number to call but the centre's (OR-11).
type copySheet struct {
	Centre, CentreEN string
	Service, Hours   string
	JobNo, Customer  string
	Asked            string
	Visit            slipVisit
	English          slipVisit
	Defects          []copyDefect
	Started          string
	Until            string
	Deferred         bool
	Image            template.URL
	SignedAt         string
	Standing         string
	Money            func(fen int64, currency string) string
}

type copyDefect struct{ ZH, EN, Text string }

// customerCopy serves GET /copy/{token}, without a sign-in.
func (d *Door) customerCopy(c *web.Context) error {
	if d.cfg.Handouts == nil {
		return web.NotFound()
	}
	h := c.W.Header()
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex, nofollow, noarchive")
	h.Set("Cache-Control", "no-store")
	remote, _, err := net.SplitHostPort(c.R.RemoteAddr)
	if err != nil {
		remote = c.R.RemoteAddr
	}
	link, err := d.cfg.Handouts.Open(c.Context(), c.R.PathValue("token"), remote)
	if err != nil {
		return err
	}
	f, err := d.cfg.Reports.JobFile(c.Context(), link.Centre, link.Job)
	if err != nil {
		return err
	}
	visit, ok := f.Find("visit", link.Visit)
	if !ok {
		return web.NotFound()
	}
	sheet, err := d.sheet(c, &f, visit, link)
	if err != nil {
		return err
	}
	t, err := template.New("copy").Parse(copyText)
	if err != nil {
		return fmt.Errorf("customer's copy: %w", err)
	}
	var page bytes.Buffer
	if err := t.Execute(&page, sheet); err != nil {
		return fmt.Errorf("customer's copy: %w", err)
	}
	if err := d.cfg.Handouts.Opened(c.Context(), link); err != nil {
		return err
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	_, _ = c.W.Write(page.Bytes()) // a reader who is gone is no fault
	return nil
}

func (d *Door) sheet(c *web.Context, f *report.JobFile, visit report.FileRow, link handout.Link) (*copySheet, error) {
	zh, en := *c, *c
	zh.Lang, en.Lang = web.Chinese, web.English
	tz, te := &teller{c: &zh, schema: d.cfg.Schema, people: f.People}, &teller{c: &en, schema: d.cfg.Schema, people: f.People}
	head, _ := f.Head()
	s := &copySheet{Centre: f.Contact.Text("name"), CentreEN: f.Contact.Text("name_en"), Service: f.Contact.Text("phone"), Hours: f.Contact.Text("hours"),
		JobNo: head.Text("job_no"), Customer: f.First("job_contact").Text("name"), Asked: head.Text("asked_work"), Visit: viewVisit(tz, f, visit), English: viewVisit(te, f, visit),
		Until: time.UnixMilli(link.Until).In(c.Zone()).Format(time.DateOnly),
		Money: func(fen int64, currency string) string {
			return strings.TrimSpace(fieldwork.Yuan(fen) + " " + currency)
		}}
	s.Started = time.UnixMilli(visit.Int("started_at")).In(c.Zone()).Format("2006-01-02 15:04")
	for _, row := range f.Where("defect", "visit", visit.ID) {
		class := d.cfg.Schema.Table("defect").Column("class")
		s.Defects = append(s.Defects, copyDefect{class.ValueLabel(row.Text("class"), "zh-CN"), class.ValueLabel(row.Text("class"), "en"), row.Text("text")})
	}
	if sig := s.Visit.Signature; sig != nil {
		s.Standing = sig.State
		s.SignedAt = time.UnixMilli(sig.At).In(c.Zone()).Format("2006-01-02 15:04")
		if sig.Hash != "" {
			var err error
			if s.Image, err = d.copyImage(c.Context(), f.Centre, sig.Hash); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

// copyImage lays the signature's picture into the page, so that the link opens
// nothing else.
func (d *Door) copyImage(ctx context.Context, centre uuid.UUID, hash string) (template.URL, error) {
	sha, err := hashOf(hash)
	if err != nil {
		return "", nil //nolint:nilerr // a picture that cannot be named is not shown
	}
	r, info, err := d.cfg.Photos.Open(ctx, centre, sha)
	if err != nil {
		return "", err
	}
	defer r.Close()
	if info.Type != "image/png" && info.Type != "image/jpeg" && info.Type != "image/webp" {
		return "", nil
	}
	b, err := io.ReadAll(io.LimitReader(r, maxCopyImage+1))
	if err != nil || len(b) > maxCopyImage {
		return "", err
	}
	return template.URL("data:" + info.Type + ";base64," + base64.StdEncoding.EncodeToString(b)), nil
}
