package bundle

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// logs checks every chain, signature and receipt.
func (c *check) logs() {
	for _, info := range c.manifest.Logs {
		body, ok := c.text[info.Path]
		if !ok {
			c.found(info.Path, "日志文件被拿走", "the log's file was taken away")
			continue
		}
		var l Log
		if err := json.Unmarshal(body, &l); err != nil || l.Device != info.Device || l.Epoch != info.Epoch || l.Office != info.Office {
			c.found(info.Path, "日志读不出", "the log cannot be read")
			continue
		}
		c.v.Logs++
		c.log(info, &l)
	}
}

// keyOf is the key that signs a log: the server's for an office's.
func (c *check) keyOf(l *Log) ed25519.PublicKey {
	if l.Office {
		return c.key
	}
	for _, d := range c.manifest.Devices {
		if d.ID == l.Device && len(d.PublicKey) == ed25519.PublicKeySize {
			return d.PublicKey
		}
	}
	return nil
}

func (c *check) log(info LogFile, l *Log) {
	key := c.keyOf(l)
	if key == nil {
		c.found(info.Path, "没有这部手机的公钥", "the phone's key is not in the manifest")
		return
	}
	shown, hidden, last := 0, 0, uint64(0)
	for i := range l.Runs {
		run := &l.Runs[i]
		head := changelog.Genesis(l.Device, l.Epoch)
		at := uint64(0)
		if b := run.Before; b != nil {
			if b.Last <= last || !c.signed(info, l, b, key) {
				c.found(info.Path, fmt.Sprintf("第 %d 号的签名不对", b.Last), fmt.Sprintf("the signature at change %d does not fit", b.Last))
				return
			}
			copy(head[:], b.Head)
			at = b.Last
		} else if i > 0 {
			c.found(info.Path, "日志中间缺一段", "a part of the log has no beginning")
			return
		}
		for j := range run.Batches {
			b := &run.Batches[j]
			n, h, ok := c.batch(info, l, b, head, at, key)
			if !ok {
				return
			}
			shown, hidden, at, last = shown+n, hidden+len(b.Changes)-n, b.Last, b.Last
			head = h
		}
	}
	if shown != info.Shown || hidden != info.Hidden || last != info.Last {
		c.found(info.Path, "日志的条数与清单不符", "the log has another number of changes than the manifest says")
	}
	c.v.Shown, c.v.Hidden = c.v.Shown+shown, c.v.Hidden+hidden
}

// batch runs the chain over one batch and checks its head's signature.
func (c *check) batch(info LogFile, l *Log, b *Batch, head changelog.Hash, at uint64, key ed25519.PublicKey) (shown int, next changelog.Hash, ok bool) {
	if b.First != at+1 || b.Last < b.First || uint64(len(b.Changes)) != b.Last-b.First+1 {
		c.found(info.Path, fmt.Sprintf("第 %d 号接不上", b.First), fmt.Sprintf("change %d does not continue the log", b.First))
		return 0, head, false
	}
	decoded := map[Place]*changelog.Change{}
	for i, ch := range b.Changes {
		seq := b.First + uint64(i)
		switch {
		case ch.Seq != seq || (len(ch.Bytes) > 0) == (len(ch.Digest) > 0):
			c.found(info.Path, fmt.Sprintf("第 %d 号不对", seq), fmt.Sprintf("change %d is not in its place", seq))
			return 0, head, false
		case len(ch.Bytes) > 0:
			shown++
			head = changelog.Next(head, ch.Bytes)
			if d, err := c.codec.Decode(ch.Bytes); err == nil && d.Seq == seq {
				decoded[Place{l.Device, l.Epoch, seq}] = d
			}
		case len(ch.Digest) != 32:
			c.found(info.Path, fmt.Sprintf("第 %d 号的摘要不对", seq), fmt.Sprintf("the digest of change %d has a wrong length", seq))
			return 0, head, false
		default:
			head = changelog.NextDigest(head, changelog.Hash(ch.Digest))
		}
	}
	if !bytes.Equal(head[:], b.Head.Head) {
		c.found(info.Path, fmt.Sprintf("第 %d 到 %d 号中有改动:链条算不到所签的头", b.First, b.Last), fmt.Sprintf("something in changes %d to %d was altered: the chain does not lead to the signed head", b.First, b.Last))
		return 0, head, false
	}
	if !c.signed(info, l, &b.Head, key) {
		c.found(info.Path, fmt.Sprintf("第 %d 号的签名不对", b.Last), fmt.Sprintf("the signature at change %d does not fit", b.Last))
		return 0, head, false
	}
	if !l.Office && !c.receipt(l, b) {
		c.found(info.Path, fmt.Sprintf("第 %d 号的收据不对", b.Last), fmt.Sprintf("the server's receipt at change %d does not fit", b.Last))
		return 0, head, false
	}
	for p, ch := range decoded {
		c.changes[p] = ch
	}
	return shown, head, true
}

func (c *check) signed(_ LogFile, l *Log, h *Head, key ed25519.PublicKey) bool {
	if len(h.Head) != 32 {
		return false
	}
	c.v.Signatures++
	return ed25519.Verify(key, changelog.PushMessage(l.Device, l.Epoch, h.Last, changelog.Hash(h.Head), h.Boot, h.Mono, h.Wall), h.Signature)
}

func (c *check) receipt(l *Log, b *Batch) bool {
	var r syncproto.LogReceipt
	if openJWS(b.Receipt, c.key, &r) != nil {
		return false
	}
	c.v.Receipts++
	return r == syncproto.LogReceipt{History: c.manifest.History, Device: l.Device, Epoch: l.Epoch, Acked: b.Last, Head: hexOf(b.Head.Head), At: b.ReceivedAt}
}

// devices checks that each phone's key, and whose it was, is what the office's
// own signed log said when the phone was enrolled.
func (c *check) devices() {
	for _, d := range c.manifest.Devices {
		key, person, revoked := false, false, d.RevokedAt == 0
		for p, ch := range c.changes {
			if ch.Table != "device" || ch.Row != d.ID || !c.office(p) {
				continue
			}
			if b, ok := ch.Cols["public_key"].([]byte); ok && bytes.Equal(b, d.PublicKey) {
				key = true
			}
			if b, ok := ch.Cols["person"].([]byte); ok && bytes.Equal(b, d.Person[:]) {
				person = true
			}
			if at, ok := ch.Cols["revoked_at"].(int64); ok && at == d.RevokedAt {
				revoked = true
			}
		}
		if !key || !person || !revoked {
			c.found(manifestName, "手机 "+d.ID.String()+" 的公钥没有办公室日志作证", "the office's log does not bear out the key of phone "+d.ID.String())
		}
	}
}

func (c *check) office(p Place) bool {
	for _, l := range c.manifest.Logs {
		if l.Device == p.Device && l.Epoch == p.Epoch {
			return l.Office
		}
	}
	return false
}

// attachments checks that every file is what a signed change names, and that
// every file that a signed change names is there or said to be absent.
func (c *check) attachments() {
	if c.schema == nil {
		return
	}
	here := map[string]bool{}
	hashes := map[string]File{}
	for _, f := range c.files {
		hashes[f.Path] = f
	}
	for _, a := range c.manifest.Files {
		f, ok := hashes[a.Path]
		here[a.SHA256] = true
		c.v.Attachments++
		switch {
		case !ok:
			c.found(a.Path, "文件被拿走", "it was taken away")
		case a.Damaged || f.SHA256 != a.SHA256:
			c.found(a.Path, "服务器存储中的文件已不是当初记录的那个", "the server's storage no longer had the bytes that were recorded")
		case f.Size != a.Size:
			c.found(a.Path, "大小与清单不符", "its size is not the manifest's")
		}
		c.named(&a)
		if a.Receipt != "" && !c.blobReceipt(&a) {
			c.found(a.Path, "服务器的文件收据不对", "the server's receipt for the file does not fit")
		}
	}
	for _, a := range c.manifest.Absent {
		here[a.SHA256] = true
		c.v.Absent++
	}
	for p, ch := range c.changes {
		t := c.schema.Table(ch.Table)
		if t == nil || ch.Table == "stored_blob" {
			continue
		}
		for _, col := range t.Columns {
			if sha, ok := ch.Cols[col.Name].([]byte); ok && col.Type == schema.Blob && len(sha) == 32 && !here[hexOf(sha)] {
				c.found(manifestName, fmt.Sprintf("第 %d 号改动所指的文件没有列出", p.Seq), fmt.Sprintf("a file that change %d names is not listed", p.Seq))
			}
		}
	}
}

// named checks each word of the manifest about a file against the change.
func (c *check) named(a *Attachment) {
	if len(a.Named) == 0 {
		c.found(a.Path, "没有记录指向这个文件", "no change names it")
	}
	for _, n := range a.Named {
		ch := c.changes[Place{n.Device, n.Epoch, n.Seq}]
		var sha []byte
		var role string
		if ch != nil {
			sha, _ = ch.Cols[n.Column].([]byte)
			role, _ = ch.Cols["role"].(string)
		}
		if ch == nil || hexOf(sha) != a.SHA256 || ch.Table != n.Table || ch.Row != n.Row || ch.Actor != n.By || ch.Wall != n.Wall || role != n.Role {
			c.found(a.Path, fmt.Sprintf("与第 %d 号改动不符", n.Seq), fmt.Sprintf("it is not what change %d names", n.Seq))
		}
	}
}

func (c *check) blobReceipt(a *Attachment) bool {
	var r syncproto.BlobReceipt
	if openJWS(a.Receipt, c.key, &r) != nil {
		return false
	}
	c.v.Receipts++
	return r.SHA256 == a.SHA256 && r.Size == a.Size && r.Device != uuid.Nil
}
