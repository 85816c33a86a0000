package embedded

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// upload is what upload.json says.
type upload struct {
	Key     string    `json:"key"`
	Started time.Time `json:"started"`
}

// part is one stored part.
type part struct {
	number   int
	md5      string
	size     int64
	modified time.Time
	path     string
}

// upload finds the call's upload and its folder; it must be of the same key.
func (s *Server) upload(c call) (string, error) {
	id := c.URL.Query().Get("uploadId")
	if !uploadID.MatchString(id) {
		return "", noSuchUpload()
	}
	dir := uploadsDir + "/" + id
	raw, err := s.folder.root.ReadFile(dir + "/" + uploadState)
	if absent(err) {
		return "", noSuchUpload()
	}
	if err != nil {
		return "", err
	}
	var u upload
	if err := json.Unmarshal(raw, &u); err != nil {
		return "", fmt.Errorf("state of upload %s: %w", id, err)
	}
	if u.Key != c.key {
		return "", noSuchUpload()
	}
	return dir, nil
}

// parts lists the stored parts by number. After a crash between writing a
// part again and dropping the older one both are there: the newer counts.
func (s *Server) parts(dir string) ([]part, error) {
	entries, err := fs.ReadDir(s.folder.root.FS(), dir)
	if err != nil {
		return nil, err
	}
	newest := map[int]part{}
	for _, e := range entries {
		m := partFile.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		fi, err := e.Info()
		if err != nil {
			return nil, err
		}
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return nil, err
		}
		if old, ok := newest[n]; !ok || old.modified.Before(fi.ModTime()) {
			newest[n] = part{number: n, md5: m[2], size: fi.Size(), modified: fi.ModTime(), path: dir + "/" + e.Name()}
		}
	}
	all := make([]part, 0, len(newest))
	for _, p := range newest {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b part) int { return a.number - b.number })
	return all, nil
}

func (s *Server) keepPart(dir string, number int, rcv received) error {
	before, err := s.parts(dir)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s/%05d.%s", dir, number, rcv.md5)
	if err := s.folder.root.Rename(rcv.temp, name); err != nil {
		return err
	}
	if err := s.folder.syncUp(dir); err != nil {
		return err
	}
	for _, p := range before {
		if p.number == number && p.path != name {
			s.folder.discard(p.path)
		}
	}
	return nil
}

// dropUpload removes the state first, so that half a removal is no upload.
func (s *Server) dropUpload(dir string) error {
	if err := s.folder.root.Remove(dir + "/" + uploadState); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := s.folder.root.RemoveAll(dir); err != nil {
		return err
	}
	return s.folder.syncUp(uploadsDir)
}

// namedPart is a part as the client names it.
type namedPart struct {
	PartNumber int
	ETag       string
}

// choose finds the named parts among those that are there.
func choose(all []part, named []namedPart) ([]part, error) {
	if !slices.IsSortedFunc(named, func(a, b namedPart) int { return a.PartNumber - b.PartNumber }) {
		return nil, badRequest("InvalidPartOrder", "The parts must be named in rising order.")
	}
	var chosen []part
	for i, p := range named {
		at := slices.IndexFunc(all, func(have part) bool {
			return have.number == p.PartNumber && have.md5 == strings.Trim(p.ETag, `"`)
		})
		switch {
		case i > 0 && p.PartNumber == named[i-1].PartNumber:
			return nil, badRequest("InvalidPartOrder", "Part %d is named twice.", p.PartNumber)
		case at < 0:
			return nil, badRequest("InvalidPart", "Part %d is not there with this ETag.", p.PartNumber)
		case i < len(named)-1 && all[at].size < minPart:
			return nil, badRequest("EntityTooSmall", "Part %d is under the least size of %d bytes.", p.PartNumber, minPart)
		}
		chosen = append(chosen, all[at])
	}
	return chosen, nil
}

// join writes the parts into one sealed temp file.
func (s *Server) join(parts []part) (string, error) {
	temp, out, err := s.folder.create()
	if err != nil {
		return "", err
	}
	var size int64
	for _, p := range parts {
		if size += p.size; size > s.max {
			err = refusal(http.StatusRequestEntityTooLarge, "EntityTooLarge", "An object may have at most %d bytes.", s.max)
		} else {
			err = s.appendPart(out, p)
		}
		if err != nil {
			out.Close()
			s.folder.discard(temp)
			return "", err
		}
	}
	if err := s.folder.seal(temp, out); err != nil {
		s.folder.discard(temp)
		return "", err
	}
	return temp, nil
}

func (s *Server) appendPart(out io.Writer, p part) error {
	in, err := s.folder.root.Open(p.path)
	if err != nil {
		return err
	}
	defer in.Close()
	h := md5.New()
	if _, err := io.Copy(io.MultiWriter(out, h), in); err != nil {
		return err
	}
	if hex.EncodeToString(h.Sum(nil)) != p.md5 {
		s.folder.discard(p.path)
		return badRequest("InvalidPart", "Part %d is damaged on the disk and must be sent again.", p.number)
	}
	return nil
}
