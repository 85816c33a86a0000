package fieldwork_test

import (
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/google/uuid"

	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

var (
	installer   = id(100)
	colleague   = id(101)
	theJob      = row("job", 1, cols{"status": "arrived", "kind": "aftersale"})
	selfcheck   = event(80, "selfcheck")
	openDefect  = with(row("defect", 10, cols{"job": ref(1), "visit": ref(2), "class": "door_colour", "text": goodText, "status": "open"}), nil)
	fullView    = photo(20, "full", cols{"same_plane": true})
	closeUp     = photo(21, "close", nil)
	declined    = row("signature", 70, cols{"visit": ref(2), "signer": "customer", "outcome": "refused"})
	withPicture = with(declined, cols{"outcome": "signed", "image": make([]byte, 32)})
	receiptRow  = row("receipt", 60, cols{"visit": ref(2), "no": "SC-000001", "amount": int64(10000), "currency": "CNY", "way": "cash"})
	verdictRow  = row("adjudication", 40, cols{"defect": ref(10), "verdict": "hq"})
	waiverRow   = row("waiver", 50, cols{"visit": ref(2), "amount": int64(500), "status": "pending"})
)

func share(n uint64, adjudication uint64, percent int64) schema.Row {
	return row("responsibility", n, cols{"adjudication": ref(adjudication), "party": "工厂", "percent": percent})
}

func assign(person uuid.UUID, n uint64) schema.Row {
	return row("assignment", n, cols{"job": ref(1), "person": person[:], "active": true})
}

type guardCase struct {
	name  string
	state state
	role  schema.Role // installer unless named
	txn   []fieldwork.Written
	want  string
	index int
}

func runGuard(t *testing.T, cases []guardCase) {
	t.Helper()
	d := schema.MustCurrent()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			role := tc.role
			if role == "" {
				role = schema.Installer
			}
			v, err := fieldwork.Check(d, tc.txn, role, installer, tc.state)
			if err != nil {
				t.Fatal(err)
			}
			wantCode(t, v, tc.want)
			if v != nil && v.Index != tc.index {
				t.Errorf("index %d, want %d", v.Index, tc.index)
			}
			// The same answer where the reader already shows the transaction.
			after := append(state{}, tc.state...)
			for _, w := range tc.txn {
				after = append(state{w.After}, after...)
			}
			if w, err := fieldwork.Check(d, tc.txn, role, installer, dedup(after)); err != nil || (w == nil) != (v == nil) || (w != nil && w.Code != v.Code) {
				t.Errorf("another answer with the transaction in view: %v, %v", w, err)
			}
		})
	}
}

// dedup keeps the newest of each row, as a table does.
func dedup(s state) state {
	var out state
	for _, r := range s {
		if _, ok, _ := out.Row(r.Table, r.ID); !ok {
			out = append(out, r)
		}
	}
	return out
}

func TestGuardFees(t *testing.T) {
	runGuard(t, []guardCase{
		{name: "at the standard", txn: []fieldwork.Written{insert(feeLine(nil))}},
		{name: "above it", txn: []fieldwork.Written{insert(feeLine(cols{"charged": int64(10001)}))}, want: "fee-above-standard"},
		{name: "raised later by the office", role: schema.Clerk, txn: []fieldwork.Written{update(feeLine(nil), cols{"charged": int64(10001)})}, want: "fee-above-standard"},
		{name: "lowered later without a new basis", role: schema.Clerk, txn: []fieldwork.Written{update(feeLine(nil), cols{"charged": int64(9000)})}},
		{name: "another column of a line that was kept", txn: []fieldwork.Written{update(feeLine(cols{"charged": int64(99999)}), cols{"reason": "见备注"})}},
		{name: "false basis", txn: []fieldwork.Written{insert(feeLine(cols{"basis": "card"}))}, want: "fee-basis"},
		{name: "below without a reason", txn: []fieldwork.Written{insert(feeLine(cols{"charged": int64(1), "basis": "below"}))}, want: "fee-below"},
	})
}

func TestGuardEvidence(t *testing.T) {
	submit := cols{"status": "submitted"}
	runGuard(t, []guardCase{
		{name: "submitted with all", state: state{openDefect, fullView, closeUp}, txn: []fieldwork.Written{update(openDefect, submit)}},
		{name: "submitted without the full view", state: state{openDefect, closeUp}, txn: []fieldwork.Written{update(openDefect, submit)}, want: "evidence-missing"},
		{name: "photos in the same transaction, before", state: state{openDefect}, txn: []fieldwork.Written{insert(fullView), insert(closeUp), update(openDefect, submit)}},
		{name: "photos in the same transaction, behind", state: state{openDefect}, txn: []fieldwork.Written{update(openDefect, submit), insert(fullView), insert(closeUp)}},
		{name: "everything at once", state: state{theJob}, txn: []fieldwork.Written{insert(with(openDefect, submit)), insert(fullView), insert(closeUp)}},
		{name: "inserted as submitted, nothing else", txn: []fieldwork.Written{insert(with(openDefect, submit))}, want: "evidence-missing"},
		{name: "again after a retake", state: state{fullView, closeUp}, txn: []fieldwork.Written{update(with(openDefect, cols{"status": "retake"}), submit)}},
		{name: "open without photos", txn: []fieldwork.Written{insert(openDefect)}},
		{name: "another column of a submitted one", txn: []fieldwork.Written{update(with(openDefect, submit), cols{"text": goodText + "!"})}},
		{name: "text mended in the same transaction", state: state{fullView, closeUp},
			txn: []fieldwork.Written{update(with(openDefect, cols{"text": ""}), submit), update(with(openDefect, submit), cols{"text": goodText})}},
		{name: "photos of another job", state: state{openDefect, with(fullView, cols{"job": ref(9)}), closeUp}, txn: []fieldwork.Written{update(openDefect, submit)}, want: "evidence-missing"},
		{name: "the server is not above the rule", role: schema.Server, state: state{openDefect}, txn: []fieldwork.Written{update(openDefect, submit)}, want: "evidence-missing"},
	})
}

func TestGuardPhotoOfAnotherJob(t *testing.T) {
	foreign := with(openDefect, cols{"job": ref(9)})
	runGuard(t, []guardCase{
		{name: "same job", state: state{openDefect}, txn: []fieldwork.Written{insert(closeUp)}},
		{name: "another job", state: state{foreign}, txn: []fieldwork.Written{insert(closeUp)}, want: "photo-job"},
		{name: "another job in the same transaction", txn: []fieldwork.Written{insert(foreign), insert(closeUp)}, want: "photo-job", index: 1},
		{name: "no defect", txn: []fieldwork.Written{insert(with(closeUp, cols{"defect": nil}))}},
		{name: "its defect is held", txn: []fieldwork.Written{insert(closeUp)}},
	})
}

func TestGuardAdjudication(t *testing.T) {
	judged := with(verdictRow, cols{"verdict": "store"})
	runGuard(t, []guardCase{
		{name: "whole", role: schema.Adjudicator, txn: []fieldwork.Written{insert(verdictRow), insert(share(41, 40, 60)), insert(share(42, 40, 40))}},
		{name: "shares before the verdict", role: schema.Adjudicator, txn: []fieldwork.Written{insert(share(41, 40, 100)), insert(judged)}},
		{name: "short", role: schema.Adjudicator, txn: []fieldwork.Written{insert(verdictRow), insert(share(41, 40, 60)), insert(share(42, 40, 30))}, want: "split-sum"},
		{name: "none", role: schema.Adjudicator, txn: []fieldwork.Written{insert(verdictRow)}, want: "split-sum"},
		{name: "share of another verdict does not count", role: schema.Adjudicator, txn: []fieldwork.Written{insert(verdictRow), insert(share(41, 44, 100))}, want: "split-sum"},
		{name: "a share added later", role: schema.Adjudicator, state: state{verdictRow}, txn: []fieldwork.Written{insert(share(43, 40, 10))}, want: "split-late"},
		{name: "retake with a reason", role: schema.Adjudicator, txn: []fieldwork.Written{insert(with(verdictRow, cols{"verdict": "retake", "lacks": "没有全景"}))}},
		{name: "retake without", role: schema.Adjudicator, txn: []fieldwork.Written{insert(with(verdictRow, cols{"verdict": "retake"}))}, want: "verdict-lacks"},
		{name: "return without", role: schema.Adjudicator, txn: []fieldwork.Written{insert(with(verdictRow, cols{"verdict": "return"}))}, want: "verdict-lacks"},
	})
}

func TestGuardSignature(t *testing.T) {
	sum := sha256.Sum256([]byte("内容"))
	runGuard(t, []guardCase{
		{name: "after the self-check", state: state{selfcheck}, txn: []fieldwork.Written{insert(withPicture)}},
		{name: "self-check earlier in the transaction", txn: []fieldwork.Written{insert(selfcheck), insert(withPicture)}},
		{name: "self-check later in the transaction", txn: []fieldwork.Written{insert(withPicture), insert(selfcheck)}, want: "selfcheck-missing"},
		{name: "no self-check", txn: []fieldwork.Written{insert(withPicture)}, want: "selfcheck-missing"},
		{name: "self-check of another visit", state: state{with(selfcheck, cols{"visit": ref(3)})}, txn: []fieldwork.Written{insert(withPicture)}, want: "selfcheck-missing"},
		{name: "another event", state: state{event(81, "arrive")}, txn: []fieldwork.Written{insert(withPicture)}, want: "selfcheck-missing"},
		{name: "declined after the self-check", state: state{selfcheck}, txn: []fieldwork.Written{insert(declined)}},
		{name: "declined without", txn: []fieldwork.Written{insert(declined)}, want: "selfcheck-missing"},
		{name: "nobody at home", txn: []fieldwork.Written{insert(with(declined, cols{"outcome": "absent"}))}},
		{name: "signed without a picture", state: state{selfcheck}, txn: []fieldwork.Written{insert(with(withPicture, cols{"image": nil}))}, want: "signature-image"},
		{name: "the designer's without a self-check", txn: []fieldwork.Written{insert(with(withPicture, cols{"signer": "designer"}))}},
		{name: "the designer's without a picture", txn: []fieldwork.Written{insert(with(withPicture, cols{"signer": "designer", "image": nil}))}, want: "signature-image"},
		{name: "content and its hash", state: state{selfcheck}, txn: []fieldwork.Written{insert(with(withPicture, cols{"content": "内容", "content_hash": sum[:]}))}},
		{name: "content and another hash", state: state{selfcheck}, txn: []fieldwork.Written{insert(with(withPicture, cols{"content": "内容。", "content_hash": sum[:]}))}, want: "signature-content"},
	})
}

func TestGuardAssignment(t *testing.T) {
	other := assign(colleague, 90)
	runGuard(t, []guardCase{
		{name: "himself", txn: []fieldwork.Written{insert(assign(installer, 90))}},
		{name: "somebody else", txn: []fieldwork.Written{insert(other)}, want: "assignment-other"},
		{name: "ends his own", txn: []fieldwork.Written{update(assign(installer, 90), cols{"active": false})}},
		{name: "ends another's", txn: []fieldwork.Written{update(other, cols{"active": false})}, want: "assignment-other"},
		{name: "takes over another's", txn: []fieldwork.Written{update(other, cols{"person": installer[:]})}, want: "assignment-other"},
		{name: "the clerk assigns anybody", role: schema.Clerk, txn: []fieldwork.Written{insert(other)}},
	})
}

func TestGuardReceipts(t *testing.T) {
	reversal := with(receiptRow, cols{"no": "SC-000002", "amount": int64(-10000), "void_of": ref(60)})
	reversal.ID = id(61)
	second := with(reversal, nil)
	second.ID = id(62)
	runGuard(t, []guardCase{
		{name: "ordinary", txn: []fieldwork.Written{insert(receiptRow)}},
		{name: "negative", txn: []fieldwork.Written{insert(with(receiptRow, cols{"amount": int64(-1)}))}, want: "receipt-negative"},
		{name: "reversal", state: state{receiptRow}, txn: []fieldwork.Written{insert(reversal)}},
		{name: "reversal in the same transaction", txn: []fieldwork.Written{insert(receiptRow), insert(reversal)}},
		{name: "reversal of less", state: state{receiptRow}, txn: []fieldwork.Written{insert(with(reversal, cols{"amount": int64(-9999)}))}, want: "receipt-reversal"},
		{name: "reversal in another currency", state: state{receiptRow}, txn: []fieldwork.Written{insert(with(reversal, cols{"currency": "HKD"}))}, want: "receipt-reversal"},
		{name: "reversal that is positive", state: state{receiptRow}, txn: []fieldwork.Written{insert(with(reversal, cols{"amount": int64(10000)}))}, want: "receipt-reversal"},
		{name: "reversed twice", state: state{receiptRow, reversal}, txn: []fieldwork.Written{insert(second)}, want: "receipt-reversed"},
		{name: "twice in one transaction", state: state{receiptRow}, txn: []fieldwork.Written{insert(reversal), insert(second)}, want: "receipt-reversed", index: 1},
		{name: "its receipt is held", txn: []fieldwork.Written{insert(reversal)}},
	})
}

func TestGuardStates(t *testing.T) {
	runGuard(t, []guardCase{
		{name: "waiver asked for", txn: []fieldwork.Written{insert(waiverRow)}},
		{name: "waiver on the spot", txn: []fieldwork.Written{insert(with(waiverRow, cols{"status": "approved"}))}, want: "initial-state"},
		{name: "waiver by the clerk at once", role: schema.Clerk, txn: []fieldwork.Written{insert(with(waiverRow, cols{"status": "approved"}))}, want: "waiver-pending"},
		{name: "waiver by the server at once", role: schema.Server, txn: []fieldwork.Written{insert(with(waiverRow, cols{"status": "approved"}))}, want: "waiver-pending"},
		{name: "waiver decided", role: schema.Clerk, txn: []fieldwork.Written{update(waiverRow, cols{"status": "approved"})}},
		{name: "defect that starts judged", txn: []fieldwork.Written{insert(with(openDefect, cols{"status": "judged"}))}, want: "initial-state"},
		{name: "job on the spot, arrived", txn: []fieldwork.Written{insert(theJob)}},
		{name: "job that starts registered", txn: []fieldwork.Written{insert(with(theJob, cols{"status": "registered"}))}, want: "initial-state"},
		{name: "the server imports any state", role: schema.Server, txn: []fieldwork.Written{insert(with(theJob, cols{"status": "closed"}))}},
		{name: "a table without rules", txn: []fieldwork.Written{insert(row("note", 5, cols{"job": ref(1), "text": "x"}))}},
		{name: "an unknown table is not this package's matter", txn: []fieldwork.Written{insert(row("nonsense", 5, nil))}},
		{name: "nothing", txn: nil},
	})
}

type broken struct{ state }

func (broken) Children(string, string, uuid.UUID) ([]schema.Row, error) {
	return nil, errors.New("disk")
}

func TestGuardGivesTheReadersError(t *testing.T) {
	v, err := fieldwork.Check(schema.MustCurrent(), []fieldwork.Written{insert(declined)}, schema.Installer, installer, broken{})
	if v != nil || err == nil {
		t.Errorf("got %v, %v", v, err)
	}
}
