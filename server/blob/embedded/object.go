package embedded

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
)

// headBucket answers 200: the route table has found the bucket already.
func (s *Server) headBucket(w http.ResponseWriter, _ call) error {
	w.Header().Set("X-Amz-Bucket-Region", s.sig.region)
	w.WriteHeader(http.StatusOK)
	return nil
}

// createBucket says that the one bucket is there.
func (s *Server) createBucket(http.ResponseWriter, call) error {
	return refusal(http.StatusConflict, "BucketAlreadyOwnedByYou", "The bucket is already there.")
}

func (s *Server) bucketLocation(w http.ResponseWriter, _ call) error {
	region := s.sig.region
	if region == DefaultRegion {
		region = "" // S3's own spelling of it
	}
	answerXML(w, struct {
		XMLName xml.Name `xml:"LocationConstraint"`
		Region  string   `xml:",chardata"`
	}{Region: region})
	return nil
}

// put stores an object. With If-None-Match: * the first write stands, and
// every later one is answered 412, before its body is read where possible.
func (s *Server) put(w http.ResponseWriter, c call) error {
	exclusive, err := c.exclusive()
	if err != nil {
		return err
	}
	if exclusive {
		if _, err := s.folder.stat(c.key); err == nil {
			return preconditionFailed()
		}
	}
	rcv, err := s.receive(w, c)
	if err != nil {
		return err
	}
	return s.publish(w, c, rcv.temp, exclusive, func(tag string) {
		w.Header().Set("ETag", `"`+tag+`"`)
		w.WriteHeader(http.StatusOK)
	})
}

// publish gives a sealed temp file the call's key and, once that is durable,
// answers with its ETag.
func (s *Server) publish(w http.ResponseWriter, c call, temp string, exclusive bool, answer func(etag string)) error {
	defer s.folder.discard(temp)
	fi, err := s.folder.root.Lstat(temp)
	if err != nil {
		return err
	}
	if err := s.folder.publish(temp, c.key, exclusive); err != nil {
		return err
	}
	if sum := c.Header.Get("X-Amz-Checksum-Sha256"); sum != "" && c.Method == http.MethodPut {
		w.Header().Set("X-Amz-Checksum-Sha256", sum) // it was checked
	}
	answer(etag(fi))
	return nil
}

// exclusive reads the conditions of a write; any but "not there yet" would
// have to be ignored, and is refused instead.
func (c call) exclusive() (bool, error) {
	if c.Header.Get("If-Match") != "" {
		return false, notImplemented("If-Match on a write is not supported.")
	}
	switch c.Header.Get("If-None-Match") {
	case "":
		return false, nil
	case "*":
		return true, nil
	}
	return false, notImplemented("If-None-Match on a write takes * alone.")
}

// get serves an object or its head, whole or one range, with conditions.
func (s *Server) get(w http.ResponseWriter, c call) error {
	if _, err := s.folder.stat(c.key); err != nil {
		return err
	}
	file, err := s.folder.root.Open(s.folder.path(c.key))
	if absent(err) {
		return noSuchKey()
	}
	if err != nil {
		return err
	}
	defer file.Close()
	fi, err := file.Stat()
	if err != nil {
		return err
	}
	if beyond(c.Header.Get("Range"), fi.Size()) {
		return refusal(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The range starts behind the object's end.")
	}
	h := w.Header()
	h.Set("ETag", `"`+etag(fi)+`"`)
	h.Set("Content-Type", "application/octet-stream")
	q := c.URL.Query()
	for param, name := range map[string]string{
		"response-content-type":        "Content-Type",
		"response-content-disposition": "Content-Disposition",
		"response-cache-control":       "Cache-Control",
	} {
		if v := q.Get(param); v != "" {
			h.Set(name, v)
		}
	}
	http.ServeContent(&patientWriter{w, http.NewResponseController(w)}, c.Request, "", fi.ModTime(), file)
	return nil
}

// beyond says whether a range can't be served, which S3 answers with a body of
// its own.
func beyond(header string, size int64) bool {
	spec, ok := strings.CutPrefix(header, "bytes=")
	if !ok || strings.Contains(spec, ",") {
		return false
	}
	first, _, _ := strings.Cut(spec, "-")
	if first == "" {
		return false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(first), 10, 64)
	return err == nil && n >= size
}

// remove deletes an object; one that is not there is deleted already.
func (s *Server) remove(w http.ResponseWriter, c call) error {
	if err := s.folder.delete(c.key); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
