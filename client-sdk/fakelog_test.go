package clientsdk_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/pack"
	"siteledger/syncproto/schema"
)

type fakeLog struct {
	device   uuid.UUID
	changes  [][]byte
	hashes   []changelog.Hash // h(0)…
	outcomes map[uint64]syncproto.Outcome
}

func (s *fakeServer) body(r *http.Request) []byte {
	var in io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "zstd" {
		z, err := zstd.NewReader(r.Body)
		if err != nil {
			s.t.Error(err)
			return nil
		}
		defer z.Close()
		in = z
	}
	b, err := io.ReadAll(in)
	if err != nil {
		s.t.Error(err)
	}
	return b
}

// pushed reads a push in either form.
func (s *fakeServer) pushed(r *http.Request) (req syncproto.PushRequest, refused syncproto.Code) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != syncproto.TypeCBOR && (media != syncproto.TypePacked || s.plain) {
		return req, syncproto.TypeUnsupported
	}
	b := s.body(r)
	if err := cbor.Unmarshal(b, &req); err != nil {
		return req, syncproto.EnvelopeInvalid
	}
	if media == syncproto.TypeCBOR {
		return req, ""
	}
	var form syncproto.PackedRequest
	size, err := strconv.Atoi(params["size"])
	if err != nil || cbor.Unmarshal(b, &form) != nil {
		return req, syncproto.EnvelopeInvalid
	}
	if req.Changes, err = pack.Unpack(form.Packed, size, 1000); err != nil {
		return req, syncproto.EnvelopeInvalid
	}
	s.packed++
	return req, ""
}

func (s *fakeServer) push(w http.ResponseWriter, r *http.Request, device uuid.UUID) {
	req, refused := s.pushed(r)
	if refused != "" {
		s.problem(w, syncproto.Problem{Code: refused})
		return
	}
	epoch := uuid.UUID(req.Epoch)
	last := req.From + uint64(len(req.Changes)) - 1
	head := changelog.Hash(req.Prev)
	for _, b := range req.Changes {
		head = changelog.Next(head, b)
	}
	msg := changelog.PushMessage(device, epoch, last, changelog.Hash(req.Head), uuid.UUID(req.Boot), req.Mono, req.Wall)
	switch {
	case len(req.Changes) > s.maxBatch:
		s.problem(w, syncproto.Problem{Code: syncproto.BatchTooLong, Max: int64(s.maxBatch)})
		return
	case !ed25519.Verify(s.devices[device], msg, req.Signature):
		s.problem(w, syncproto.Problem{Code: syncproto.SignatureInvalid})
		return
	case head != changelog.Hash(req.Head):
		s.problem(w, syncproto.Problem{Code: syncproto.ChainBroken})
		return
	case uuid.UUID(req.History) != s.history:
		s.problem(w, syncproto.Problem{Code: syncproto.HistoryChanged, History: s.history.String()})
		return
	}
	l := s.logs[epoch]
	if l == nil {
		l = &fakeLog{device: device, hashes: []changelog.Hash{changelog.Genesis(device, epoch)}, outcomes: map[uint64]syncproto.Outcome{}}
	}
	acked := uint64(len(l.changes))
	if req.From > acked+1 {
		s.problem(w, syncproto.Problem{Code: syncproto.LogGap, Acked: &acked, Head: hex.EncodeToString(l.hashes[acked][:])})
		return
	}
	if l.hashes[req.From-1] != changelog.Hash(req.Prev) {
		common := req.From - min(2, req.From)
		s.problem(w, syncproto.Problem{Code: syncproto.LogForked, Common: &common})
		return
	}
	for i, b := range req.Changes {
		seq := req.From + uint64(i)
		if seq <= acked && !bytes.Equal(l.changes[seq-1], b) {
			common := seq - 1
			s.problem(w, syncproto.Problem{Code: syncproto.LogForked, Common: &common})
			return
		}
	}
	s.logs[epoch], s.last = l, epoch
	for i, b := range req.Changes {
		if seq := req.From + uint64(i); seq > acked {
			l.changes = append(l.changes, b)
			l.hashes = append(l.hashes, changelog.Next(l.hashes[seq-1], b))
			s.fold(l, seq, b)
		}
	}
	acked = uint64(len(l.changes))
	ans := syncproto.PushAnswer{Acked: acked, Head: l.hashes[acked][:], ServerTime: s.now().UnixMilli(), HLC: uint64(s.now().UnixMilli()) << 16, Outcomes: []syncproto.Outcome{}, Hint: []byte{}}
	for seq := req.From; seq <= last; seq++ {
		if o, ok := l.outcomes[seq]; ok {
			ans.Outcomes = append(ans.Outcomes, o)
		}
	}
	ans.Receipt = s.jws(syncproto.LogReceipt{History: s.history, Device: device, Epoch: epoch, Acked: acked, Head: hex.EncodeToString(ans.Head), At: ans.ServerTime})
	b, err := s.codec.Marshal(ans)
	if err != nil {
		s.t.Error(err)
	}
	w.Header().Set("Content-Type", syncproto.TypeCBOR)
	_, _ = w.Write(b)
}

func (s *fakeServer) fold(l *fakeLog, seq uint64, b []byte) {
	ch, err := s.codec.Decode(b)
	if err != nil {
		s.t.Errorf("change %d: %v", seq, err)
		return
	}
	if s.judge != nil {
		if code, reason := s.judge(ch); code != "" {
			o := syncproto.Outcome{Seq: seq, Code: code, Reason: reason}
			if code == syncproto.Held {
				id := uuid.New()
				o.Case = id[:]
			}
			l.outcomes[seq] = o
			if code == syncproto.Held || code == syncproto.Denied {
				return
			}
		}
	}
	s.apply(ch)
}

func (s *fakeServer) apply(ch *changelog.Change) {
	if ch.Op == changelog.Delete {
		s.erase(ch.Table, ch.Row)
		return
	}
	key := ch.Table + "/" + ch.Row.String()
	row := s.rows[key]
	if row == nil {
		row = &fakeRow{table: ch.Table, id: ch.Row, root: s.rootOf(ch), cols: map[string]any{}}
		s.rows[key] = row
	} else if ch.Op == changelog.Insert {
		s.t.Errorf("%s %s was inserted twice", ch.Table, ch.Row)
	}
	for k, v := range ch.Cols {
		row.cols[k] = v
	}
	s.rev++
	row.rev = s.rev
	if ch.Table == "instruction_ack" {
		s.acked[uuid.UUID(ch.Cols["instruction"].([]byte))] = ch.Cols["state"].(string)
	}
}

func (s *fakeServer) rootOf(ch *changelog.Change) uuid.UUID {
	t := s.schema.Table(ch.Table)
	if t.Parent != "" {
		parent := uuid.UUID(ch.Cols[t.ParentColumn].([]byte))
		if p := s.rows[t.Parent+"/"+parent.String()]; p != nil {
			return p.root
		}
		s.t.Errorf("%s came before its parent", ch.Table)
	}
	switch t.Root {
	case schema.RootPerson:
		return s.person
	case schema.RootJob:
		return ch.Row
	}
	return s.centre
}
