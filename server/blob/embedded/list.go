package embedded

import (
	"encoding/base64"
	"encoding/xml"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// s3Time is how listings write a time.
const s3Time = "2006-01-02T15:04:05.000Z"

const maxListKeys = 1000

type listItem struct {
	Key          string
	LastModified string
	ETag         string
	Size         int64
	StorageClass string
}

type listPrefix struct{ Prefix string }

type listResult struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Name                  string
	Prefix                string
	Delimiter             string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	KeyCount              int
	MaxKeys               int
	IsTruncated           bool
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	Contents              []listItem
	CommonPrefixes        []listPrefix
}

// list is ListObjectsV2: keys in byte order behind a point, a page at a time.
func (s *Server) list(w http.ResponseWriter, c call) error {
	q := c.URL.Query()
	if q.Get("list-type") != "2" {
		return notImplemented("Only version 2 of the listing is supported.")
	}
	if d := q.Get("delimiter"); d != "" && d != "/" {
		return notImplemented("The delimiter can only be /.")
	}
	l := lister{
		folder: s.folder,
		out: listResult{
			Name: s.bucket, Prefix: q.Get("prefix"), Delimiter: q.Get("delimiter"), StartAfter: q.Get("start-after"),
			EncodingType: q.Get("encoding-type"), MaxKeys: min(number(q.Get("max-keys"), maxListKeys), maxListKeys),
			ContinuationToken: q.Get("continuation-token"),
		},
	}
	l.after = l.out.StartAfter
	if t := l.out.ContinuationToken; t != "" {
		raw, err := base64.RawURLEncoding.DecodeString(t)
		if err != nil {
			return badRequest("InvalidArgument", "The continuation token is not one of ours.")
		}
		l.after = string(raw)
	}
	if l.out.MaxKeys > 0 {
		if err := l.walk(""); err != nil {
			return err
		}
	}
	l.out.KeyCount = len(l.out.Contents) + len(l.out.CommonPrefixes)
	if l.out.IsTruncated {
		l.out.NextContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(l.last))
	}
	if l.out.EncodingType == "url" {
		l.out.Prefix, l.out.StartAfter = url.QueryEscape(l.out.Prefix), url.QueryEscape(l.out.StartAfter)
		for i := range l.out.Contents {
			l.out.Contents[i].Key = url.QueryEscape(l.out.Contents[i].Key)
		}
		for i := range l.out.CommonPrefixes {
			l.out.CommonPrefixes[i].Prefix = url.QueryEscape(l.out.CommonPrefixes[i].Prefix)
		}
	}
	answerXML(w, l.out)
	return nil
}

// lister walks the folder in the order of the keys and skips what lies outside
// the prefix or before the point.
type lister struct {
	folder *folder
	after  string
	last   string
	out    listResult
}

// walk takes one folder, dir "" or ending in a slash.
func (l *lister) walk(dir string) error {
	entries, err := fs.ReadDir(l.folder.root.FS(), strings.TrimSuffix(l.folder.path(dir), "/"))
	if absent(err) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	// A folder sorts as its keys do: by its name and the slash.
	name := func(e fs.DirEntry) string {
		if e.IsDir() {
			return e.Name() + "/"
		}
		return e.Name()
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(name(a), name(b)) })
	for _, e := range entries {
		key := dir + name(e)
		if !l.wants(key, e.IsDir()) {
			continue
		}
		if err := l.visit(key, e); err != nil || l.out.IsTruncated {
			return err
		}
	}
	return nil
}

// wants says whether a key, or any key in a folder, can be in the answer.
func (l *lister) wants(key string, isDir bool) bool {
	p := l.out.Prefix
	if !isDir {
		return strings.HasPrefix(key, p) && key > l.after
	}
	if !strings.HasPrefix(key, p) && !strings.HasPrefix(p, key) {
		return false
	}
	return key > l.after || strings.HasPrefix(l.after, key)
}

// inhabited says whether a folder holds an object.
func (l *lister) inhabited(key string) bool {
	found := false
	_ = fs.WalkDir(l.folder.root.FS(), strings.TrimSuffix(l.folder.path(key), "/"), func(_ string, e fs.DirEntry, err error) error {
		if found = err == nil && !e.IsDir(); found {
			return fs.SkipAll
		}
		return nil
	})
	return found
}

func (l *lister) visit(key string, e fs.DirEntry) error {
	if e.IsDir() && (l.out.Delimiter == "" || len(key) <= len(l.out.Prefix)) {
		return l.walk(key)
	}
	if e.IsDir() && (strings.HasPrefix(l.after, key) || !l.inhabited(key)) {
		return nil // on an earlier page, or left empty by deletes
	}
	if len(l.out.Contents)+len(l.out.CommonPrefixes) == l.out.MaxKeys {
		l.out.IsTruncated = true
		return nil
	}
	if e.IsDir() {
		l.out.CommonPrefixes = append(l.out.CommonPrefixes, listPrefix{key})
		l.last = key
		return nil
	}
	fi, err := e.Info()
	if absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	l.out.Contents = append(l.out.Contents, listItem{
		Key: key, LastModified: fi.ModTime().UTC().Format(s3Time), ETag: `"` + etag(fi) + `"`, Size: fi.Size(), StorageClass: "STANDARD",
	})
	l.last = key
	return nil
}
