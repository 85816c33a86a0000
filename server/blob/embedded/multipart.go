package embedded

import (
	"crypto/rand"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// An unfinished upload is a folder .uploads/<id> with upload.json and a file
// NNNNN.<md5> for each part: the disk is its only memory, so a restart costs
// nothing, and a part's ETag is its name.

const (
	minPart     = 5 << 20 // of all parts but the last, as S3 has it
	maxParts    = 10_000
	maxListXML  = 1 << 20
	uploadState = "upload.json"
)

var (
	uploadID = regexp.MustCompile(`^[a-z2-7]{26}$`)
	partFile = regexp.MustCompile(`^([0-9]{5})\.([0-9a-f]{32})$`)
)

// createUpload opens a multipart upload.
func (s *Server) createUpload(w http.ResponseWriter, c call) error {
	id := strings.ToLower(rand.Text())
	state, err := json.Marshal(upload{Key: c.key, Started: s.folder.now().UTC()})
	if err != nil {
		return err
	}
	temp, file, err := s.folder.create()
	if err != nil {
		return err
	}
	defer s.folder.discard(temp)
	if _, err := file.Write(state); err != nil {
		file.Close()
		return err
	}
	if err := s.folder.seal(temp, file); err != nil {
		return err
	}
	dir := uploadsDir + "/" + id
	if err := s.folder.root.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if err := s.folder.root.Rename(temp, dir+"/"+uploadState); err != nil {
		return err
	}
	if err := s.folder.syncUp(dir); err != nil {
		return err
	}
	answerXML(w, struct {
		XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
		Bucket   string
		Key      string
		UploadID string `xml:"UploadId"`
	}{Bucket: s.bucket, Key: c.key, UploadID: id})
	return nil
}

// putPart stores one part; sent again it replaces the earlier one.
func (s *Server) putPart(w http.ResponseWriter, c call) error {
	number, err := strconv.Atoi(c.URL.Query().Get("partNumber"))
	if err != nil || number < 1 || number > maxParts {
		return badRequest("InvalidArgument", "partNumber must be between 1 and %d.", maxParts)
	}
	dir, err := s.upload(c)
	if err != nil {
		return err
	}
	rcv, err := s.receive(w, c)
	if err != nil {
		return err
	}
	defer s.folder.discard(rcv.temp)
	unlock := s.folder.keys.lock(dir)
	defer unlock()
	if _, err := s.upload(c); err != nil {
		return err // completed or aborted meanwhile
	}
	if err := s.keepPart(dir, number, rcv); err != nil {
		return err
	}
	if sum := c.Header.Get("X-Amz-Checksum-Sha256"); sum != "" {
		w.Header().Set("X-Amz-Checksum-Sha256", sum)
	}
	w.Header().Set("ETag", `"`+rcv.md5+`"`)
	w.WriteHeader(http.StatusOK)
	return nil
}

// listParts says what is there, so that a phone resumes where it was cut.
func (s *Server) listParts(w http.ResponseWriter, c call) error {
	dir, err := s.upload(c)
	if err != nil {
		return err
	}
	all, err := s.parts(dir)
	if err != nil {
		return err
	}
	type item struct {
		PartNumber   int
		LastModified string
		ETag         string
		Size         int64
	}
	q := c.URL.Query()
	after, page := number(q.Get("part-number-marker"), 0), number(q.Get("max-parts"), 1000)
	out := struct {
		XMLName              xml.Name `xml:"ListPartsResult"`
		Bucket               string
		Key                  string
		UploadID             string `xml:"UploadId"`
		PartNumberMarker     int
		NextPartNumberMarker int
		MaxParts             int
		IsTruncated          bool
		Part                 []item
	}{Bucket: s.bucket, Key: c.key, UploadID: q.Get("uploadId"), PartNumberMarker: after, MaxParts: page}
	for _, p := range all {
		if p.number <= after {
			continue
		}
		if len(out.Part) == page {
			out.IsTruncated = true
			break
		}
		out.Part = append(out.Part, item{p.number, p.modified.UTC().Format(s3Time), `"` + p.md5 + `"`, p.size})
		out.NextPartNumberMarker = p.number
	}
	answerXML(w, out)
	return nil
}

// number reads a paging parameter, bounded to S3's page of 1,000.
func number(s string, otherwise int) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return otherwise
	}
	return n
}

// abortUpload drops an upload and its parts.
func (s *Server) abortUpload(w http.ResponseWriter, c call) error {
	dir, err := s.upload(c)
	if err != nil {
		return err
	}
	unlock := s.folder.keys.lock(dir)
	defer unlock()
	if err := s.dropUpload(dir); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// completeUpload joins the named parts into the object. Each part is hashed
// again on the way: bytes that went bad on the disk are refused here.
func (s *Server) completeUpload(w http.ResponseWriter, c call) error {
	exclusive, err := c.exclusive()
	if err != nil {
		return err
	}
	// The digests in these headers are of the whole object or of its parts'
	// digests, not of this body.
	for name := range checksums() {
		c.Header.Del(name)
	}
	raw, err := s.readSmall(w, c, maxListXML)
	if err != nil {
		return err
	}
	wanted, err := readPartList(raw)
	if err != nil {
		return err
	}
	dir, err := s.upload(c)
	if err != nil {
		return err
	}
	unlock := s.folder.keys.lock(dir)
	defer unlock()
	all, err := s.parts(dir)
	if err != nil {
		return noSuchUpload() // completed or aborted meanwhile
	}
	chosen, err := choose(all, wanted)
	if err != nil {
		return err
	}
	temp, err := s.join(chosen)
	if err != nil {
		return err
	}
	return s.publish(w, c, temp, exclusive, func(tag string) {
		if err := s.dropUpload(dir); err != nil {
			s.log.Warn("storage: finished upload stays behind", "upload", dir, "error", err)
		}
		answerXML(w, struct {
			XMLName xml.Name `xml:"CompleteMultipartUploadResult"`
			Bucket  string
			Key     string
			ETag    string
		}{Bucket: s.bucket, Key: c.key, ETag: `"` + tag + `"`})
	})
}

// readPartList reads the body of a completion: at least one part.
func readPartList(raw []byte) ([]namedPart, error) {
	var wanted struct{ Part []namedPart }
	if err := xml.Unmarshal(raw, &wanted); err != nil || len(wanted.Part) == 0 {
		return nil, badRequest("MalformedXML", "The list of parts can't be read.")
	}
	return wanted.Part, nil
}
