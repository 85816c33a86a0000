package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// push judges a batch as a server does, and looks at each change as no server
// has to.
func (s *play) push(w http.ResponseWriter, r *http.Request, body []byte) {
	var req syncproto.PushRequest
	if err := cbor.Unmarshal(body, &req); err != nil || r.Header.Get("Content-Type") != syncproto.TypeCBOR {
		s.wrong("push of %s: %v", r.Header.Get("Content-Type"), err)
		s.problem(w, syncproto.Problem{Code: syncproto.EnvelopeInvalid})
		return
	}
	s.pushes = append(s.pushes, &req)
	if len(req.History) != 16 || len(req.Epoch) != 16 || len(req.Boot) != 16 || len(req.Prev) != 32 || len(req.Head) != 32 || !bytes.Equal(req.Device, s.device[:]) || len(req.Changes) == 0 || req.From < 1 {
		s.wrong("the envelope of a push: %+v", req)
		s.problem(w, syncproto.Problem{Code: syncproto.EnvelopeInvalid})
		return
	}
	epoch := uuid.UUID(req.Epoch)
	head := changelog.Hash(req.Prev)
	for _, c := range req.Changes {
		head = changelog.Next(head, c)
	}
	last := req.From + uint64(len(req.Changes)) - 1
	if head != changelog.Hash(req.Head) {
		s.wrong("the chain does not lead to the head")
	}
	if !ed25519.Verify(s.public, changelog.PushMessage(s.device, epoch, last, changelog.Hash(req.Head), uuid.UUID(req.Boot), req.Mono, req.Wall), req.Signature) {
		s.wrong("the signature of a push is wrong")
	}
	s.look(&req)
	if !bytes.Equal(req.History, s.history[:]) {
		acked := uint64(0)
		if l := s.logs[epoch]; l != nil {
			acked = uint64(len(l.changes))
		}
		s.problem(w, syncproto.Problem{Code: syncproto.HistoryChanged, History: s.history.String(), Acked: &acked})
		return
	}
	if s.most > 0 && len(req.Changes) > s.most {
		s.problem(w, syncproto.Problem{Code: syncproto.BatchTooLong, Limit: "batch_changes", Max: int64(s.most)})
		return
	}
	s.append(w, &req, epoch)
}

func (s *play) append(w http.ResponseWriter, req *syncproto.PushRequest, epoch uuid.UUID) {
	l := s.logs[epoch]
	if l == nil {
		l = &playLog{heads: []changelog.Hash{changelog.Genesis(s.device, epoch)}}
	}
	acked := uint64(len(l.changes))
	if req.From > acked+1 {
		s.problem(w, syncproto.Problem{Code: syncproto.LogGap, Acked: &acked, Head: hex.EncodeToString(l.heads[acked][:])})
		return
	}
	common := req.From - min(2, req.From)
	fork := l.heads[req.From-1] != changelog.Hash(req.Prev)
	for i, b := range req.Changes {
		if seq := req.From + uint64(i); !fork && seq <= acked && !bytes.Equal(l.changes[seq-1], b) {
			fork, common = true, seq-1
		}
	}
	if fork {
		s.problem(w, syncproto.Problem{Code: syncproto.LogForked, Common: &common, Acked: &acked})
		return
	}
	s.logs[epoch], s.last = l, epoch
	for i, b := range req.Changes {
		if seq := req.From + uint64(i); seq > acked {
			l.changes, l.heads = append(l.changes, b), append(l.heads, changelog.Next(l.heads[seq-1], b))
			if s.takes(change{epoch, seq}, b) {
				s.fold(b)
			}
		}
	}
	acked = uint64(len(l.changes))
	a := syncproto.PushAnswer{Acked: acked, Head: l.heads[acked][:], Outcomes: []syncproto.Outcome{}, Hint: []byte{}, ServerTime: time.Now().UnixMilli(), HLC: uint64(time.Now().UnixMilli()) << 16, Sent: req.Head}
	for i := range req.Changes {
		if o, ok := s.outcomes[change{epoch, req.From + uint64(i)}]; ok {
			a.Outcomes = append(a.Outcomes, o)
		}
	}
	a.Receipt = s.jws(syncproto.LogReceipt{History: s.history, Device: s.device, Epoch: epoch, Acked: acked, Head: hex.EncodeToString(a.Head), At: a.ServerTime})
	s.cbor(w, a)
}

func (s *play) cbor(w http.ResponseWriter, v any) {
	b, err := s.codec.Marshal(v)
	if err != nil {
		s.wrong("%v", err)
		return
	}
	w.Header().Set("Content-Type", syncproto.TypeCBOR)
	_, _ = w.Write(b)
}

// look holds each change against section 3 and 10.
func (s *play) look(req *syncproto.PushRequest) {
	open := uint64(0)
	for i, b := range req.Changes {
		seq := req.From + uint64(i)
		ch, err := s.codec.Decode(b)
		if err != nil {
			s.wrong("change %d: %v", seq, err)
			return
		}
		again, err := s.codec.Encode(ch)
		if err != nil || !bytes.Equal(again, b) {
			s.wrong("change %d is not in canonical form", seq)
		}
		if open == 0 {
			open = seq
		}
		if ch.Seq != seq || ch.Txn != open {
			s.wrong("change %d says seq %d, txn %d, want txn %d", seq, ch.Seq, ch.Txn, open)
		}
		if ch.Last {
			open = 0
		}
		if ch.Actor != s.person || ch.Salt == [16]byte{} || ch.Boot == uuid.Nil || ch.HLC == 0 || ch.Row.Version() != 7 {
			s.wrong("change %d: actor, salt, boot, hlc or row id: %+v", seq, ch)
		}
	}
	if open != 0 {
		s.wrong("the batch is cut inside a transaction")
	}
}

func (s *play) fold(b []byte) {
	ch, err := s.codec.Decode(b)
	if err != nil {
		return
	}
	s.rev++
	root := s.person
	if job, ok := ch.Cols["job"].([]byte); ok && len(job) == 16 {
		root = uuid.UUID(job)
	}
	for i := range s.rows {
		if r := &s.rows[i]; r.Table == ch.Table && r.Row == ch.Row {
			if ch.Op == changelog.Insert {
				s.wrong("%s %s was inserted twice", ch.Table, ch.Row)
			}
			for k, v := range ch.Cols {
				r.Cols[k] = v
			}
			r.Rev = s.rev
			return
		}
	}
	s.rows = append(s.rows, pageRow{Table: ch.Table, Row: ch.Row, Root: root, Rev: s.rev, Cols: ch.Cols})
}
