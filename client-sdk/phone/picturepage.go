package phone

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	clientsdk "siteledger/client-sdk"
	"siteledger/client-sdk/phone/picture"
	"siteledger/syncproto/schema"
)

// photoData is one photo, large, with what is known about it.
type photoData struct {
	Photo schema.Row
	Thumb thumb
	Here  bool // the original's bytes are on this phone and the web view can show them
	Local bool
	Place string // that it has a position, and how far that may be off
}

func photoPage(q *ask) error {
	row, err := q.row("photo")
	if err != nil {
		return err
	}
	d := photoData{Photo: row, Thumb: q.thumbs([]schema.Row{row})[0], Place: q.placed(row)}
	if f, err := q.app.client.OpenAttachment([32]byte(pad(row.Bytes("original")))); err == nil {
		d.Local, d.Here = true, row.Text("original_type") != "image/heic"
		if err := f.Close(); err != nil {
			return fmt.Errorf("photo: %w", err)
		}
	}
	back := "/job/" + row.UUID("job").String()
	if ref := q.r.Header.Get("Referer"); strings.HasPrefix(ref, "http://"+q.r.Host+"/job/") {
		back = strings.TrimPrefix(ref, "http://"+q.r.Host)
	}
	return q.show(http.StatusOK, "photo", page{Title: q.valueOf("photo", "role", row.Text("role")), Back: cmp.Or(back, "/"), Body: d})
}

// row reads the row that the address names by its table's name.
func (q *ask) row(table string) (schema.Row, error) {
	id, err := q.pathID(table)
	if err != nil {
		return schema.Row{}, err
	}
	var row schema.Row
	err = q.view(func(v *clientsdk.View) error {
		var ok bool
		row, ok, err = v.Row(table, id)
		if err == nil && !ok {
			err = gone()
		}
		return err
	})
	return row, err
}

// photoBytes serves GET /photo/{photo}/preview and …/original.
func photoBytes(q *ask) error {
	row, err := q.row("photo")
	if err != nil {
		return err
	}
	switch kind := q.r.PathValue("kind"); kind {
	case "preview", "original":
		return q.serveBlob(row.Bytes(kind))
	}
	return gone()
}

// signatureBytes serves GET /signature/{signature}.
func signatureBytes(q *ask) error {
	row, err := q.row("signature")
	if err != nil {
		return err
	}
	return q.serveBlob(row.Bytes("image"))
}

// serveBlob sends stored bytes as the picture that they are. What the web view
// can't show is a download; what is no picture is not served at all.
func (q *ask) serveBlob(sha []byte) error {
	if len(sha) != 32 {
		return gone()
	}
	f, err := q.app.client.OpenAttachment([32]byte(sha))
	if err != nil {
		return gone()
	}
	defer func() { _ = f.Close() }()
	head, err := bufio.NewReaderSize(f, 512).Peek(512)
	if err != nil && len(head) == 0 {
		return gone()
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("stored picture: %w", err)
	}
	kind := picture.TypeOf(head)
	if kind == "" {
		return gone()
	}
	h := q.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "private, max-age=86400, immutable")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	if kind == "image/heic" {
		h.Set("Content-Disposition", `attachment; filename="photo.heic"`)
	}
	q.done = true
	http.ServeContent(q.w, q.r, "", time.Time{}, f)
	return nil
}

// pad makes 32 bytes of a hash column; zeros where it is empty.
func pad(b []byte) []byte {
	out := make([]byte, 32)
	copy(out, b)
	return out
}
