package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"

	"siteledger/syncproto/ink"
)

//go:embed static
var shellStatic embed.FS

// static serves the embedded files under /static/<hash>/<area>/<file>. The
// hash is of all of them together, so that modules may import each other by
// relative paths and every answer may be kept for ever.
type static struct {
	prefix string
	files  map[string]staticFile
}

type staticFile struct {
	kind       string
	body, gzip []byte
}

func loadStatic(areas []Area) (*static, error) {
	s := &static{files: map[string]staticFile{}}
	own, err := fs.Sub(shellStatic, "static")
	if err != nil {
		return nil, err
	}
	if err := s.add("shell", own); err != nil {
		return nil, err
	}
	if err := s.add("ink", ink.Script()); err != nil {
		return nil, err
	}
	for _, a := range areas {
		if a.Static == nil {
			continue
		}
		if err := s.add(a.Name, a.Static); err != nil {
			return nil, err
		}
	}
	names := make([]string, 0, len(s.files))
	for n := range s.files {
		names = append(names, n)
	}
	slices.Sort(names)
	h := sha256.New()
	for _, n := range names {
		fmt.Fprintf(h, "%s\x00%d\x00", n, len(s.files[n].body))
		h.Write(s.files[n].body)
	}
	s.prefix = "/static/" + hex.EncodeToString(h.Sum(nil))[:12] + "/"
	return s, nil
}

func (s *static) add(area string, src fs.FS) error {
	return fs.WalkDir(src, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(p), ".") {
			return err
		}
		b, err := fs.ReadFile(src, p)
		if err != nil {
			return err
		}
		kind := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
			".svg": "image/svg+xml", ".png": "image/png", ".csv": "text/csv; charset=utf-8"}[path.Ext(p)]
		if kind == "" {
			kind = mime.TypeByExtension(path.Ext(p))
		}
		var z bytes.Buffer
		w, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		s.files[area+"/"+p] = staticFile{kind: kind, body: b, gzip: z.Bytes()}
		return nil
	})
}

func (s *static) has(name string) bool { _, ok := s.files[name]; return ok }

func (s *static) path(name string) string { return s.prefix + name }

// ServeHTTP serves one file; a path of an older build answers 404, because its
// content is gone.
func (s *static) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, s.prefix)
	f, found := s.files[name]
	if !ok || !found {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := f.body
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = f.gzip
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method != http.MethodHead {
		// The reader may go away in the middle; there is nobody left to tell.
		_, _ = w.Write(body)
	}
}
