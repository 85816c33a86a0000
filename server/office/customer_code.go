package office

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/server/report"
	"siteledger/syncproto/changelog"
)

// GiveCode gives a job the code with which its customer can confirm a visit
// instead of signing: six digits, told on the telephone, made once. No phone is
// shown it, so that a technician cannot confirm for the customer; whether a code
// that was given is this one is seen at the centre (SF-02).
func (o *Office) GiveCode(ctx context.Context, who Who, id uuid.UUID) (string, error) {
	o.numbering.Lock()
	defer o.numbering.Unlock()
	job, err := o.job(ctx, who, id)
	if err != nil || job.Text("customer_code") != "" {
		return job.Text("customer_code"), err
	}
	seed := o.newID()
	sum := sha256.Sum256(seed[:])
	code := fmt.Sprintf("%06d", binary.BigEndian.Uint64(sum[:8])%1_000_000)
	return code, o.write(ctx, who, "customer's code", []ledger.Edit{{Table: "job", Row: id, Op: changelog.Update, Base: job.Rev,
		Cols: map[string]any{"customer_code": code}, Was: map[string]any{"customer_code": nil}}})
}

// CustomerCode is the code that a job's customer was told; "" for none.
func CustomerCode(f *report.JobFile) string {
	head, _ := f.Head()
	return head.Text("customer_code")
}
