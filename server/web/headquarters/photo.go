package headquarters

import (
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"siteledger/server/web"
)

// photo serves GET /headquarters/photos/{centre}/{sha}: the stored bytes as
// they came, orientation and all. A hash names its bytes for ever, so the
// browser may keep them; nobody else's cache may. Only pictures are shown in
// the page; any other type is a download.
func (d *Door) photo(c *web.Context) error {
	centre, err := c.PathID("centre")
	if err != nil {
		return err
	}
	b, err := hex.DecodeString(c.R.PathValue("sha"))
	if err != nil || len(b) != 32 {
		return web.NotFound()
	}
	ok, err := d.cfg.Files.DefectPhoto(c.Context(), centre, [32]byte(b))
	if err != nil {
		return err
	}
	if !ok {
		return web.NotFound()
	}
	r, info, err := d.cfg.Photos.Open(c.Context(), centre, [32]byte(b))
	if err != nil {
		return err
	}
	defer r.Close()
	h := c.W.Header()
	h.Set("Content-Type", info.Type)
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	h.Set("ETag", `"`+hex.EncodeToString(b)+`"`)
	if !strings.HasPrefix(info.Type, "image/") {
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", "attachment")
	}
	http.ServeContent(c.W, c.R, "", time.Time{}, r)
	return nil
}
