package fieldwork

import (
	"bytes"
	"crypto/sha256"
	"strings"

	"siteledger/syncproto/ink"
	"siteledger/syncproto/schema"
)

// customerSignature refuses "signed" without a picture, strokes that no hand
// drew, "by code" without a code, and content that is not what the hash says
// (SF-07). Phones before schema version 4 send no strokes.
func customerSignature(s schema.Row) *Violation {
	outcome := s.Text("outcome")
	if outcome == Signed && len(s.Bytes("image")) == 0 {
		return &Violation{Code: "signature-image",
			ZH: "选择“已签”就要有签名图。",
			EN: "“Signed” needs the picture of the signature."}
	}
	if text := s.Text("strokes"); text != "" {
		if _, err := ink.Signature(text); err != nil || outcome != Signed {
			return notDrawn()
		}
	}
	if (outcome == ByCode) != (s.Text("code") != "") || outcome == ByCode && !ValidCode(s.Text("code")) {
		return &Violation{Code: "signature-code",
			ZH: "凭确认码确认要填顾客收到的确认码(4到12位数字)。",
			EN: "To confirm by code, give the code that the customer was told (4 to 12 digits)."}
	}
	return boundContent(s)
}

// staffSignature refuses a signature on a leftover order that was not drawn
// (SF-06): a typed name does not count.
func staffSignature(s schema.Row) *Violation {
	if _, err := ink.Signature(s.Text("strokes")); err != nil || len(s.Bytes("image")) == 0 {
		return notDrawn()
	}
	if len(s.Bytes("content_hash")) != sha256.Size {
		return contentChanged()
	}
	return boundContent(s)
}

func boundContent(s schema.Row) *Violation {
	if content, hash := s.Text("content"), s.Bytes("content_hash"); content != "" && len(hash) > 0 {
		if sum := sha256.Sum256([]byte(content)); !bytes.Equal(sum[:], hash) {
			return contentChanged()
		}
	}
	return nil
}

func contentChanged() *Violation {
	return &Violation{Code: "signature-content",
		ZH: "所签内容与它的哈希不一致。",
		EN: "What was signed does not match its hash."}
}

func notDrawn() *Violation {
	return &Violation{Code: "signature-strokes",
		ZH: "签名要亲手写在框里,打字或只点一下不算。",
		EN: "A signature is drawn by hand; a typed name or a tap does not count."}
}

// ValidCode says whether a text can be a customer's code: 4 to 12 digits.
func ValidCode(code string) bool {
	return len(code) >= 4 && len(code) <= 12 && strings.Trim(code, "0123456789") == ""
}
