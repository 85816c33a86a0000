package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"strings"
)

// The container is a zip that any program opens, written in exactly one way:
// no compression (deflate's stored blocks, so that a stream needs no size
// beforehand), no dates, no comments, no extra fields, entries sorted by name.
// Reading it therefore is comparing it with what must stand there, and there
// is no byte that could be changed unseen.

// Limits of a bundle. Files are bounded one by one by the uploads' own limit.
const (
	maxBundle  = 2 << 30 // bytes of the zip
	maxEntries = 5000
	maxName    = 200
)

const (
	block      = 65535
	dosDate    = 0x21   // 1980-01-01
	zipFlags   = 0x0808 // sizes behind the data, names in UTF-8
	zipVersion = 20
)

// ErrTooLarge is what a bundle over the limits gives.
var ErrTooLarge = errors.New("the bundle would be over 2 GiB or 5,000 files")

type member struct {
	name         string
	crc          uint32
	packed, size uint32
	at           uint32
}

func (m member) local() []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0x04034b50)
	for _, v := range []uint16{zipVersion, zipFlags, 8, 0, dosDate} {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	b = append(b, make([]byte, 12)...)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(m.name)))
	b = binary.LittleEndian.AppendUint16(b, 0)
	return append(b, m.name...)
}

func (m member) descriptor() []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0x08074b50)
	for _, v := range []uint32{m.crc, m.packed, m.size} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

func (m member) central() []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0x02014b50)
	for _, v := range []uint16{zipVersion, zipVersion, zipFlags, 8, 0, dosDate} {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	for _, v := range []uint32{m.crc, m.packed, m.size} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	for _, v := range []uint16{uint16(len(m.name)), 0, 0, 0, 0} {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, m.at)
	return append(b, m.name...)
}

// directory is the end of the container: all entries again, and their count.
func directory(members []member, at uint32) []byte {
	var b []byte
	for _, m := range members {
		b = append(b, m.central()...)
	}
	size := uint32(len(b))
	b = binary.LittleEndian.AppendUint32(b, 0x06054b50)
	n := uint16(len(members))
	for _, v := range []uint16{0, 0, n, n} {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	b = binary.LittleEndian.AppendUint32(b, size)
	b = binary.LittleEndian.AppendUint32(b, at)
	return binary.LittleEndian.AppendUint16(b, 0)
}

// packer writes a container.
type packer struct {
	w       io.Writer
	at      int64
	members []member
	buf     []byte
}

func newPacker(w io.Writer) *packer { return &packer{w: w, buf: make([]byte, block)} }

func (p *packer) write(b []byte) error {
	if p.at+int64(len(b)) > maxBundle {
		return ErrTooLarge
	}
	n, err := p.w.Write(b)
	p.at += int64(n)
	return err
}

// add writes one entry, to its end, and gives its size and hash. Names must
// come in order.
func (p *packer) add(name string, src io.Reader) (File, error) {
	if n := len(p.members); n >= maxEntries || n > 0 && p.members[n-1].name >= name || !properName(name) {
		return File{}, fmt.Errorf("entry %q of a bundle: %w", name, ErrTooLarge)
	}
	m := member{name: name, at: uint32(p.at)}
	if err := p.write(m.local()); err != nil {
		return File{}, err
	}
	start := p.at
	sum, crc, size := sha256.New(), crc32.NewIEEE(), int64(0)
	for {
		n, err := io.ReadFull(src, p.buf)
		if n > 0 {
			sum.Write(p.buf[:n])
			crc.Write(p.buf[:n])
			size += int64(n)
			if err := errors.Join(p.write(blockHead(n, false)), p.write(p.buf[:n])); err != nil {
				return File{}, err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		} else if err != nil {
			return File{}, fmt.Errorf("read %s: %w", name, err)
		}
	}
	if err := p.write(blockHead(0, true)); err != nil {
		return File{}, err
	}
	m.crc, m.packed, m.size = crc.Sum32(), uint32(p.at-start), uint32(size)
	p.members = append(p.members, m)
	return File{Path: name, Size: size, SHA256: hexOf(sum.Sum(nil))}, p.write(m.descriptor())
}

func (p *packer) close() error { return p.write(directory(p.members, uint32(p.at))) }

func blockHead(n int, last bool) []byte {
	b := []byte{0, byte(n), byte(n >> 8), ^byte(n), ^byte(n >> 8)}
	if last {
		b[0] = 1
	}
	return b
}

// properName says whether an entry may have this name: a plain relative path
// of letters, digits and -_. that leads nowhere else.
func properName(name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	for _, part := range strings.Split(name, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
		for _, c := range part {
			if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
				return false
			}
		}
	}
	return true
}

// unpacker reads a container from front to back. It holds one block at a time.
type unpacker struct {
	r       io.Reader
	at      int64
	members []member
}

// differs is a place at which the container is not what must stand there.
type differs struct {
	at    int64
	entry string
	what  Words
}

func (d *differs) Error() string {
	return fmt.Sprintf("byte %d (%s): %s", d.at, d.entry, d.what.EN)
}

func (u *unpacker) differs(entry, zh, en string) error {
	return &differs{at: u.at, entry: entry, what: Words{zh, en}}
}

func (u *unpacker) take(n int) ([]byte, error) {
	b := make([]byte, n)
	got, err := io.ReadFull(u.r, b)
	u.at += int64(got)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return b[:got], u.differs("", "文件到这里就断了", "the file ends here")
	}
	if u.at > maxBundle {
		return nil, u.differs("", "文件超过 2 GiB", "the file is over 2 GiB")
	}
	return b, err
}

// expect reads exactly these bytes.
func (u *unpacker) expect(want []byte, entry string) error {
	at := u.at
	got, err := u.take(len(want))
	for i := range got {
		if got[i] != want[i] {
			u.at = at + int64(i)
			return u.differs(entry, "压缩包的结构被改动", "the zip's own structure was changed")
		}
	}
	return err
}

// each hands every entry to fn, which may read it to any point.
func (u *unpacker) each(fn func(name string, body io.Reader) error) error {
	for {
		at := u.at
		head, err := u.take(4)
		if err != nil {
			return err
		}
		sig := binary.LittleEndian.Uint32(head)
		if sig == 0x02014b50 || sig == 0x06054b50 {
			return u.end(head, uint32(at))
		}
		name, err := u.head(head)
		if err != nil {
			return err
		}
		body := &entryReader{u: u, m: member{name: name, at: uint32(at)}, crc: crc32.NewIEEE()}
		if err := fn(name, body); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, body); err != nil {
			return err
		}
		if err := u.expect(body.m.descriptor(), name); err != nil {
			return err
		}
		u.members = append(u.members, body.m)
	}
}

func (u *unpacker) head(begin []byte) (string, error) {
	rest, err := u.take(26)
	if err != nil {
		return "", err
	}
	n := int(binary.LittleEndian.Uint16(rest[22:]))
	if n == 0 || n > maxName {
		return "", u.differs("", "条目名长度不对", "an entry's name has a wrong length")
	}
	raw, err := u.take(n)
	if err != nil {
		return "", err
	}
	name := string(raw)
	if !properName(name) {
		return "", u.differs("", "条目名不允许", "an entry's name is not allowed")
	}
	if k := len(u.members); k > 0 && u.members[k-1].name >= name {
		return "", u.differs(name, "条目重复或次序被改", "an entry stands twice or in another order")
	}
	if len(u.members) >= maxEntries {
		return "", u.differs(name, "条目太多", "there are too many entries")
	}
	if want := (member{name: name}).local(); !bytes.Equal(want[:30], append(bytes.Clone(begin), rest...)) {
		return "", u.differs(name, "压缩包的结构被改动", "the zip's own structure was changed")
	}
	return name, nil
}

func (u *unpacker) end(head []byte, at uint32) error {
	want := directory(u.members, at)
	if !bytes.Equal(head, want[:4]) {
		return u.differs("", "压缩包的目录与内容不符", "the zip's directory is not that of its entries")
	}
	if err := u.expect(want[4:], ""); err != nil {
		return err
	}
	var one [1]byte
	if n, err := io.ReadFull(u.r, one[:]); n > 0 {
		return u.differs("", "文件末尾多出内容", "something follows behind the end")
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// entryReader reads one entry's stored blocks.
type entryReader struct {
	u     *unpacker
	m     member
	crc   hash.Hash32
	block []byte
	short bool // the last block was not full: only the end may follow
	done  bool
}

func (e *entryReader) Read(p []byte) (int, error) {
	for len(e.block) == 0 {
		if e.done {
			return 0, io.EOF
		}
		if err := e.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, e.block)
	e.block = e.block[n:]
	return n, nil
}

func (e *entryReader) next() error {
	head, err := e.u.take(5)
	if err != nil {
		return err
	}
	n := int(binary.LittleEndian.Uint16(head[1:]))
	last := head[0] == 1
	if !bytes.Equal(head, blockHead(n, last)) || last != (n == 0) || e.short && !last {
		return e.u.differs(e.m.name, "压缩包的结构被改动", "the zip's own structure was changed")
	}
	if e.block, err = e.u.take(n); err != nil {
		return err
	}
	e.crc.Write(e.block)
	e.short = n < block
	e.m.packed += uint32(5 + n)
	e.m.size += uint32(n)
	e.m.crc = e.crc.Sum32()
	e.done = last
	return nil
}
