package web

import (
	"io"
	"mime"
	"net/http"

	"siteledger/server/fault"
)

// MaxDrawing bounds an uploaded drawing in bytes.
const MaxDrawing = 50 << 20

// FormDrawing reads the file of a form's field "file": its name and its bytes,
// to be closed by the caller. A form without one is Invalid.
func (c *Context) FormDrawing() (name string, f io.ReadSeekCloser, err error) {
	file, head, err := c.R.FormFile("file")
	if err != nil {
		return "", nil, fault.Wrap(fault.Invalid, "annex.file", err)
	}
	return clean(head.Filename), file, nil
}

// Download answers with a stored file that no browser shall show: as an
// attachment of a type that runs nowhere, whatever it is.
func (c *Context) Download(name string, r io.Reader) error {
	h := c.W.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("Cache-Control", "private, no-store")
	c.W.WriteHeader(http.StatusOK)
	if _, err := io.Copy(c.W, r); err != nil {
		return nil // the reader is gone
	}
	return nil
}
