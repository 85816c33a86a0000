package phone

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/skip2/go-qrcode"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/schema"
)

// copyLife is how long the server opens a link; behind it the phone makes a new
// one.
const copyLife = 30 * 24 * time.Hour

// copyData is the customer's copy as a QR code: what the customer takes along.
// The code is there without a network; what it opens is the server's, from the
// moment at which this phone has sent the visit.
type copyData struct {
	*jobFile
	URL    string
	Path   string // of the code, as an SVG path of squares
	Size   int
	Sent   bool // the server knows of the link: it opens now
	Until  int64
	Locked bool
}

// copyVisit is the visit whose copy is meant: the one on the site, else this
// person's newest.
func (f *jobFile) copyVisit() *visitFile {
	if f.Visit != nil && f.Visit.has("arrive") {
		return f.Visit
	}
	for i := len(f.Past) - 1; i >= 0; i-- {
		if f.Past[i].Visit.UUID("person") == f.me {
			return f.Past[i]
		}
	}
	return nil
}

// copyLink finds this phone's newest link to a visit that still works, with its
// secret; false where there is none.
func (q *ask) copyLink(links []schema.Row, visit uuid.UUID) (link schema.Row, secret [16]byte, ok bool, err error) {
	for i := len(links) - 1; i >= 0; i-- {
		l := links[i]
		if l.UUID("visit") != visit || q.now().UnixMilli() > l.Int("at")+copyLife.Milliseconds() {
			continue
		}
		if secret, err = q.app.client.Secret("copy", l.ID); err != nil {
			return link, secret, false, err
		}
		if sum := sha256.Sum256(secret[:]); string(sum[:]) == string(l.Bytes("token_hash")) { // else another phone's
			return l, secret, true, nil
		}
	}
	return schema.Row{}, secret, false, nil
}

// copyPage serves GET /job/{job}/copy.
func copyPage(q *ask) error {
	id, err := q.pathID("job")
	if err != nil {
		return err
	}
	d := copyData{Locked: q.app.settings.get().LockedJob == id.String()}
	err = q.view(func(v *clientsdk.View) error {
		f, err := loadJob(v, id, q.me())
		if err != nil {
			return err
		}
		d.jobFile = f
		visit := f.copyVisit()
		if visit == nil {
			return no("wrong.arrive")
		}
		links, err := rowsOf(v, "copy_link", id)
		if err != nil {
			return err
		}
		link, secret, ok, err := q.copyLink(links, visit.Visit.ID)
		if err != nil || !ok {
			return err
		}
		m, err := v.Marks("copy_link", link.ID)
		if err != nil {
			return err
		}
		d.URL = strings.TrimSuffix(q.app.server, "/") + "/copy/" + base64.RawURLEncoding.EncodeToString(secret[:])
		d.Sent, d.Until = !m.Unsent && !m.Held, link.Int("at")+copyLife.Milliseconds()
		return nil
	})
	if err != nil {
		return err
	}
	if d.URL != "" {
		if d.Path, d.Size, err = qrPath(d.URL); err != nil {
			return err
		}
	}
	p := page{Title: q.t("copy.title"), Back: "/job/" + id.String() + "/done", Guest: d.Locked, Body: d}
	return q.show(http.StatusOK, "copy", p)
}

// makeCopyLink serves POST /job/{job}/copy: a link that this phone can make
// without a network, since the server learns the hash of its secret with the
// visit. A second tap finds the first one's.
func makeCopyLink(q *ask) error {
	if q.app.server == "" {
		return no("wrong.copy_server")
	}
	err := q.change(func(e *clientsdk.Edit, f *jobFile) error {
		visit := f.copyVisit()
		if visit == nil {
			return no("wrong.arrive")
		}
		links, err := rowsOf(e, "copy_link", f.Job.ID)
		if err != nil {
			return err
		}
		if _, _, ok, err := q.copyLink(links, visit.Visit.ID); err != nil || ok {
			return err
		}
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("link: %w", err)
		}
		secret, err := q.app.client.Secret("copy", id)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(secret[:])
		if err := e.InsertID("copy_link", id, map[string]any{"visit": visit.Visit.ID, "token_hash": sum[:], "at": q.app.nowMilli()}); err != nil {
			return fmt.Errorf("link: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return q.to("/job/"+q.r.PathValue("job")+"/copy", "")
}

// qrPath draws a QR code as one path of unit squares, with its quiet zone.
func qrPath(text string) (path string, size int, err error) {
	code, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return "", 0, fmt.Errorf("draw the code: %w", err)
	}
	var b strings.Builder
	bits := code.Bitmap()
	for y, row := range bits {
		for x, dark := range row {
			if dark {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x, y)
			}
		}
	}
	return b.String(), len(bits), nil
}
