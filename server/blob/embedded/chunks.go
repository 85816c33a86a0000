package embedded

import (
	"bufio"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// maxChunk bounds one signed chunk; clients send 64 KiB.
const maxChunk = 1 << 20

// chunks reads a body that was signed chunk by chunk
// (STREAMING-AWS4-HMAC-SHA256-PAYLOAD). No byte comes out before its chunk's
// signature holds, and the end is the end only if that is signed too.
type chunks struct {
	src  *bufio.Reader
	g    grant
	prev string // signature before
	buf  []byte
	done bool
}

func newChunks(src io.Reader, g grant) *chunks {
	return &chunks{src: bufio.NewReaderSize(src, 64<<10), g: g, prev: g.signature}
}

func (c *chunks) Read(p []byte) (int, error) {
	for len(c.buf) == 0 {
		if c.done {
			return 0, io.EOF
		}
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.buf)
	c.buf = c.buf[n:]
	return n, nil
}

// next reads one chunk: size;chunk-signature=… CRLF data CRLF.
func (c *chunks) next() error {
	malformed := badRequest("InvalidRequest", "The chunks of the body can't be read.")
	line, err := c.src.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return malformed
	}
	if err != nil {
		return io.ErrUnexpectedEOF
	}
	head, sig, ok := strings.Cut(strings.TrimRight(string(line), "\r\n"), ";chunk-signature=")
	size, err := strconv.ParseUint(head, 16, 32)
	if !ok || err != nil || size > maxChunk {
		return malformed
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(c.src, data); err != nil {
		return io.ErrUnexpectedEOF
	}
	var end [2]byte
	if _, err := io.ReadFull(c.src, end[:]); err != nil {
		return io.ErrUnexpectedEOF
	}
	if string(end[:]) != "\r\n" {
		return malformed
	}
	toSign := "AWS4-HMAC-SHA256-PAYLOAD\n" + c.g.date.Format(isoTime) + "\n" + c.g.scope + "\n" +
		c.prev + "\n" + hexSum(nil) + "\n" + hexSum(data)
	want := hex.EncodeToString(mac(c.g.key, toSign))
	if subtle.ConstantTimeCompare([]byte(want), []byte(sig)) != 1 {
		return refusal(http.StatusForbidden, "SignatureDoesNotMatch", "A chunk's signature does not match.")
	}
	c.prev, c.buf, c.done = want, data, size == 0
	return nil
}
