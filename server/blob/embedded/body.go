package embedded

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

// idle is how long a connection may give or take nothing before it is cut, so
// that slow phones are served and dead ones are not waited for.
const idle = time.Minute

// received is a body that has arrived whole, was checked against everything
// that was said about it, and is durable in a temp file.
type received struct {
	temp string
	size int64
	md5  string // hex
}

// receive takes a request's body into a temp file. Any error leaves nothing
// behind; in particular a body that ends early, is too long, or hashes to
// something else.
func (s *Server) receive(w http.ResponseWriter, c call) (received, error) {
	size, body, err := s.open(w, c)
	if err != nil {
		return received{}, err
	}
	sums, err := c.expectations()
	if err != nil {
		return received{}, err
	}
	temp, file, err := s.folder.create()
	if err != nil {
		return received{}, fmt.Errorf("make temp file: %w", err)
	}
	rcv, err := sums.copy(file, body, size)
	if err != nil {
		file.Close()
		s.folder.discard(temp)
		return received{}, err
	}
	if err := s.folder.seal(temp, file); err != nil {
		s.folder.discard(temp)
		return received{}, err
	}
	rcv.temp = temp
	return rcv, nil
}

// readSmall takes a short body into memory, checked like any other.
func (s *Server) readSmall(w http.ResponseWriter, c call, max int64) ([]byte, error) {
	size, body, err := s.open(w, c)
	if err != nil {
		return nil, err
	}
	if size > max {
		return nil, refusal(http.StatusRequestEntityTooLarge, "EntityTooLarge", "This body is over %d bytes.", max)
	}
	sums, err := c.expectations()
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	if _, err := sums.copy(&buf, body, size); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// open finds the body's own length, and its bytes without the framing.
func (s *Server) open(w http.ResponseWriter, c call) (int64, io.Reader, error) {
	if c.ContentLength < 0 {
		return 0, nil, refusal(http.StatusLengthRequired, "MissingContentLength", "The Content-Length header is needed.")
	}
	size, body := c.ContentLength, io.Reader(&patient{body: c.Body, rc: http.NewResponseController(w)})
	if c.grant.payload == streamPayload && c.ContentLength > 0 {
		n, err := strconv.ParseInt(c.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
		if err != nil || n < 0 || n > c.ContentLength {
			return 0, nil, badRequest("InvalidArgument", "x-amz-decoded-content-length is missing or wrong.")
		}
		size, body = n, newChunks(body, c.grant)
	}
	if size > s.max {
		return 0, nil, refusal(http.StatusRequestEntityTooLarge, "EntityTooLarge", "An object may have at most %d bytes.", s.max)
	}
	return size, body, nil
}

// expected is one digest that the request says the body has.
type expected struct {
	hash hash.Hash
	want []byte
	code string
}

// expectations are all of them, besides the MD5 that each part is named by.
type expectations struct {
	md5   hash.Hash
	check []expected
}

// checksums are the digests of the x-amz-checksum- headers that can be
// checked here; others are refused by the route table.
func checksums() map[string]func() hash.Hash {
	return map[string]func() hash.Hash{
		"X-Amz-Checksum-Sha256": sha256.New,
		"X-Amz-Checksum-Sha1":   sha1.New,
		"X-Amz-Checksum-Crc32":  func() hash.Hash { return crc32.NewIEEE() },
		"X-Amz-Checksum-Crc32c": func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	}
}

// expectations reads what the request's signature and headers say of its body.
func (c call) expectations() (*expectations, error) {
	e := &expectations{md5: md5.New()}
	if p := c.grant.payload; p != unsignedPayload && p != streamPayload {
		want, err := hex.DecodeString(p)
		if err != nil {
			return nil, badRequest("InvalidDigest", "x-amz-content-sha256 is wrong.")
		}
		e.check = append(e.check, expected{sha256.New(), want, "XAmzContentSHA256Mismatch"})
	}
	digest := func(name string, h hash.Hash, code string) error {
		value := c.Header.Get(name)
		if value == "" {
			return nil
		}
		want, err := base64.StdEncoding.DecodeString(value)
		if err != nil || len(want) != h.Size() {
			return badRequest("InvalidDigest", "%s is not a digest.", name)
		}
		e.check = append(e.check, expected{h, want, code})
		return nil
	}
	if err := digest("Content-Md5", md5.New(), "BadDigest"); err != nil {
		return nil, err
	}
	for name, newHash := range checksums() {
		if err := digest(name, newHash(), "BadDigest"); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// copy moves exactly size bytes and holds them against the expectations.
func (e *expectations) copy(dst io.Writer, src io.Reader, size int64) (received, error) {
	to := []io.Writer{dst, e.md5}
	for _, x := range e.check {
		to = append(to, x.hash)
	}
	n, err := io.Copy(io.MultiWriter(to...), io.LimitReader(src, size))
	if err != nil {
		return received{}, readFault(err)
	}
	if n != size {
		return received{}, badRequest("IncompleteBody", "The body ended after %d of %d bytes.", n, size)
	}
	// What is left of the framing must be there and signed, and nothing more.
	if extra, err := io.Copy(io.Discard, io.LimitReader(src, 1)); err != nil {
		return received{}, readFault(err)
	} else if extra > 0 {
		return received{}, badRequest("IncompleteBody", "The body is longer than %d bytes.", size)
	}
	for _, x := range e.check {
		if !bytes.Equal(x.hash.Sum(nil), x.want) {
			return received{}, badRequest(x.code, "The body does not have the digest that was signed for.")
		}
	}
	return received{size: size, md5: hex.EncodeToString(e.md5.Sum(nil))}, nil
}

// readFault tells a client that stopped sending from a disk that stopped
// taking.
func readFault(err error) error {
	var a *apiError
	var p *os.PathError
	switch {
	case errors.As(err, &a), errors.As(err, &p):
		return err
	}
	return badRequest("IncompleteBody", "The body ended early.")
}

// patient moves the connection's read deadline along with the bytes. Deadlines
// of a connection are the machine's own time, not the injected clock's.
type patient struct {
	body io.Reader
	rc   *http.ResponseController
}

func (p *patient) Read(b []byte) (int, error) {
	_ = p.rc.SetReadDeadline(time.Now().Add(idle)) // not every writer has one
	n, err := p.body.Read(b)
	if err != nil {
		_ = p.rc.SetReadDeadline(time.Time{})
	}
	return n, err
}

// patientWriter does the same for what is sent.
type patientWriter struct {
	http.ResponseWriter
	rc *http.ResponseController
}

func (p *patientWriter) Write(b []byte) (int, error) {
	_ = p.rc.SetWriteDeadline(time.Now().Add(idle))
	return p.ResponseWriter.Write(b)
}
