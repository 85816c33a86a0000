package bundle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// maxText bounds what of a bundle is held in memory: logs, labels, manifest.
const maxText = 256 << 20

// State is what a check comes to.
type State string

// The states. Unanchored: everything fits together and is signed by one key,
// and nobody said which key to trust.
const (
	Verified   State = "verified"
	Unanchored State = "unanchored"
	Broken     State = "broken"
)

// Finding is one place that is not as it was sealed.
type Finding struct {
	Entry string `json:"entry,omitempty"` // of the zip; "" for the zip itself
	At    int64  `json:"at,omitempty"`    // byte of the file, where that is known
	What  Words  `json:"what"`
}

func (f Finding) String() string {
	s := f.What.String()
	if f.At > 0 {
		s = fmt.Sprintf("第 %d 字节 byte %d: %s", f.At, f.At, s)
	}
	if f.Entry != "" {
		s = f.Entry + ": " + s
	}
	return s
}

// Verdict is the outcome of a check.
type Verdict struct {
	State       State     `json:"state"`
	Findings    []Finding `json:"findings,omitempty"`
	Fingerprint string    `json:"fingerprint,omitempty"` // of the key that the bundle is sealed with
	Job         Named     `json:"job"`
	Centre      Named     `json:"centre"`
	MadeAt      int64     `json:"made_at,omitempty"`
	Logs        int       `json:"logs"`
	Shown       int       `json:"shown"`
	Hidden      int       `json:"hidden"`
	Signatures  int       `json:"signatures"`
	Receipts    int       `json:"receipts"`
	Attachments int       `json:"attachments"`
	Absent      int       `json:"absent"`
}

// check is one reading of a bundle.
type check struct {
	v        Verdict
	files    []File            // every entry in its order, hashed
	text     map[string][]byte // all but the attachments
	held     int64
	manifest Manifest
	key      ed25519.PublicKey
	codec    *changelog.Codec
	schema   *schema.Descriptor
	changes  map[Place]*changelog.Change // shown, chained and signed
}

// maxFindings ends a check that finds one fault after the other.
const maxFindings = 20

var errEnough = errors.New("enough found")

func (c *check) found(entry, zh, en string) {
	if len(c.v.Findings) < maxFindings {
		c.v.Findings = append(c.v.Findings, Finding{Entry: entry, What: Words{zh, en}})
	}
}

// Check reads a bundle from front to back and checks all of it: the zip's own
// structure, each entry's hash, the seal, every chain, signature and receipt,
// and that the files are those that the signed changes name. trusted is the
// fingerprint of the server's key, nil where nobody knows it. It needs no
// server; an error means that the file could not be read, not that it is bad.
func Check(r io.Reader, trusted *[32]byte) (Verdict, error) {
	codec, err := changelog.NewCodec()
	if err != nil {
		return Verdict{}, err
	}
	c := &check{text: map[string][]byte{}, codec: codec, changes: map[Place]*changelog.Change{}}
	if err := c.read(r); err != nil {
		return c.v, err
	}
	if len(c.v.Findings) == 0 && c.sealed(trusted) {
		c.entries()
		c.logs()
		c.devices()
		c.attachments()
	}
	switch {
	case len(c.v.Findings) > 0:
		c.v.State = Broken
	case trusted == nil:
		c.v.State = Unanchored
	default:
		c.v.State = Verified
	}
	return c.v, nil
}

// CheckFile is Check of a file.
func CheckFile(path string, trusted *[32]byte) (Verdict, error) {
	f, err := os.Open(path)
	if err != nil {
		return Verdict{}, err
	}
	defer f.Close()
	return Check(f, trusted)
}

// read hashes every entry and keeps the texts.
func (c *check) read(r io.Reader) error {
	u := &unpacker{r: r}
	err := u.each(func(name string, body io.Reader) error {
		sum := sha256.New()
		var keep io.Writer = io.Discard
		var text bytes.Buffer
		if !strings.HasPrefix(name, fileFolder) {
			keep = &text
			body = io.LimitReader(body, maxText-c.held+1)
		}
		n, err := io.Copy(io.MultiWriter(sum, keep), body)
		if err != nil {
			return err
		}
		if c.held += int64(text.Len()); c.held > maxText {
			c.found(name, "文字内容超过 256 MiB", "more than 256 MiB of text")
			return errEnough
		}
		if text.Len() > 0 {
			c.text[name] = text.Bytes()
		}
		c.files = append(c.files, File{Path: name, Size: n, SHA256: hexOf(sum.Sum(nil))})
		return nil
	})
	var d *differs
	switch {
	case errors.As(err, &d):
		c.v.Findings = append(c.v.Findings, Finding{Entry: d.entry, At: d.at, What: d.what})
		return nil
	case errors.Is(err, errEnough):
		return nil
	}
	return err
}

// sealed checks the manifest against the server's signature.
func (c *check) sealed(trusted *[32]byte) bool {
	body, ok := c.text[manifestName]
	if !ok {
		c.found(manifestName, "缺少清单", "the manifest is missing")
		return false
	}
	if err := json.Unmarshal(body, &c.manifest); err != nil || c.manifest.Format != Format {
		c.found(manifestName, "清单读不出", "the manifest cannot be read")
		return false
	}
	m := &c.manifest
	c.v.Job, c.v.Centre, c.v.MadeAt = m.Job, m.Centre, m.MadeAt
	if len(m.ServerKey.PublicKey) != ed25519.PublicKeySize {
		c.found(manifestName, "清单里的服务器公钥不对", "the server's key in the manifest is wrong")
		return false
	}
	c.key = m.ServerKey.PublicKey
	c.v.Fingerprint = Fingerprint(c.key)
	if trusted != nil && sha256.Sum256(c.key) != *trusted {
		c.found(sealName, "封签用的是另一把钥匙,不是您信任的那把", "sealed with another key than the one that you trust")
		return false
	}
	var s seal
	if err := openJWS(string(c.text[sealName]), c.key, &s); err != nil {
		c.found(sealName, "封签不是这把钥匙签的", "the seal is not signed with the key that the manifest names")
		return false
	}
	sum := sha256.Sum256(body)
	if s.Evidence != Format || s.SHA256 != hexOf(sum[:]) || s.Size != int64(len(body)) || s.Job != m.Job.ID || s.At != m.MadeAt {
		c.found(manifestName, "清单被改动", "the manifest was changed")
		return false
	}
	if m.ServerKey.Fingerprint != c.v.Fingerprint {
		c.found(manifestName, "清单写的指纹不是这把钥匙的", "the fingerprint in the manifest is not this key's")
	}
	return true
}

// entries compares what is in the zip with what was sealed.
func (c *check) entries() {
	want := map[string]File{}
	for _, f := range c.manifest.Entries {
		if _, twice := want[f.Path]; twice {
			c.found(f.Path, "清单里列了两次", "the manifest lists it twice")
		}
		want[f.Path] = f
	}
	for _, f := range c.files {
		if f.Path == manifestName || f.Path == sealName {
			continue
		}
		w, ok := want[f.Path]
		delete(want, f.Path)
		switch {
		case !ok:
			c.found(f.Path, "清单里没有这个文件:是后来加的", "not in the manifest: it was added")
		case w != f:
			c.found(f.Path, "内容被改动", "its content was changed")
		}
	}
	for _, path := range sortedKeys(want) {
		c.found(path, "文件被拿走", "it was taken away")
	}
	for _, name := range []string{pageName, labelsName} {
		if _, ok := c.text[name]; !ok {
			c.found(name, "文件被拿走", "it was taken away")
		}
	}
	d, err := schema.Parse(c.text[labelsName])
	if err != nil || d.Version != c.manifest.Schema {
		c.found(labelsName, "表结构读不出", "the labels cannot be read")
		return
	}
	c.schema = d
}

// openJWS checks a compact JWS of one key and reads its payload.
func openJWS(token string, key ed25519.PublicKey, out any) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return errors.New("not in three parts")
	}
	var raw [3][]byte
	for i, p := range parts {
		b, err := base64.RawURLEncoding.Strict().DecodeString(p)
		if err != nil || strings.ContainsAny(p, "\r\n") {
			return fmt.Errorf("part %d is not base64url", i+1)
		}
		raw[i] = b
	}
	var h struct {
		Alg, KID, Typ string
		Crit          json.RawMessage
	}
	if err := json.Unmarshal(raw[0], &h); err != nil || h.Alg != "EdDSA" || h.Typ != "receipt+jws" || h.Crit != nil {
		return errors.New("another kind of token")
	}
	if !ed25519.Verify(key, []byte(parts[0]+"."+parts[1]), raw[2]) {
		return errors.New("the signature does not fit")
	}
	return json.Unmarshal(raw[1], out)
}
