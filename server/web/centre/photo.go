package centre

import (
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"siteledger/server/web"
)

// hashOf reads a hash as a path or a page names it.
func hashOf(s string) ([32]byte, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		return [32]byte{}, web.NotFound()
	}
	return [32]byte(b), nil
}

// photo serves GET /centre/photos/{sha}: the checked bytes of a picture of the
// person's own centre. Anything that is not a picture is offered as a download
// and never shown.
func (d *Door) photo(c *web.Context) error {
	sha, err := hashOf(c.R.PathValue("sha"))
	if err != nil {
		return err
	}
	f, info, err := d.cfg.Photos.Open(c.Context(), c.Person.Centre, sha)
	if err != nil {
		return err
	}
	defer f.Close()
	h := c.W.Header()
	h.Set("Content-Type", info.Type)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "private, max-age=604800, immutable")
	h.Set("Vary", "Cookie")
	switch {
	case strings.HasPrefix(info.Type, "image/") && info.Type != "image/svg+xml":
	default:
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", "attachment")
	}
	http.ServeContent(c.W, c.R, "", time.Time{}, f)
	return nil
}
