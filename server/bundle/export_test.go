package bundle

import (
	"bytes"
	"io"
)

// Part is one entry of a container, for tests that forge one.
type Part struct {
	Name string
	Body []byte
}

// Parts takes a container apart.
func Parts(raw []byte) ([]Part, error) {
	var out []Part
	u := &unpacker{r: bytes.NewReader(raw)}
	err := u.each(func(name string, body io.Reader) error {
		b, err := io.ReadAll(body)
		out = append(out, Part{name, b})
		return err
	})
	return out, err
}

// Join puts one together in the very form that the maker writes.
func Join(parts []Part) ([]byte, error) {
	var out bytes.Buffer
	p := newPacker(&out)
	for _, e := range parts {
		if _, err := p.add(e.Name, bytes.NewReader(e.Body)); err != nil {
			return nil, err
		}
	}
	err := p.close()
	return out.Bytes(), err
}

// JoinAny is Join without any rule about names.
func JoinAny(parts []Part) []byte {
	var out []byte
	var members []member
	for _, e := range parts {
		var one bytes.Buffer
		p := newPacker(&one)
		_, _ = p.add("x", bytes.NewReader(e.Body))
		m := p.members[0]
		head := m.local()
		m.name, m.at = e.Name, uint32(len(out))
		out = append(append(out, m.local()...), one.Bytes()[len(head):]...)
		members = append(members, m)
	}
	return append(out, directory(members, uint32(len(out)))...)
}

// SealBody is the payload of a seal over a manifest.
func SealBody(m *Manifest, body []byte, sha string) any {
	return seal{Evidence: Format, SHA256: sha, Size: int64(len(body)), Job: m.Job.ID, At: m.MadeAt}
}
