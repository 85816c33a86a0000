package phone

import (
	"encoding/hex"
	"fmt"

	clientsdk "siteledger/client-sdk"
)

// ruleChoice is one of the three answers to what mobile data may carry.
type ruleChoice struct {
	Value       clientsdk.UploadRule
	Word, Means string
	Chosen      bool
}

func (q *ask) ruleChoices(now clientsdk.UploadRule) []ruleChoice {
	rules := []clientsdk.UploadRule{clientsdk.UploadWiFi, clientsdk.UploadLarge, clientsdk.UploadAny}
	out := make([]ruleChoice, len(rules))
	for i, r := range rules {
		out[i] = ruleChoice{r, q.t("rule." + string(r)), q.t("rule."+string(r)+"_sub", q.size(clientsdk.LargeOriginal)), r == now}
	}
	return out
}

// syncNow serves POST /uploads/sync.
func syncNow(q *ask) error {
	q.app.client.Nudge()
	return q.to("/uploads", "trying")
}

// setUploadRule serves POST /uploads/rule.
func setUploadRule(q *ask) error {
	if err := q.app.client.SetUploadRule(q.r.Context(), clientsdk.UploadRule(q.field("rule", 10))); err != nil {
		return fmt.Errorf("rule for uploads: %w", err)
	}
	q.app.client.Nudge()
	return q.to("/uploads", "rule")
}

// maxMoved bounds how many photos one tap moves up: more than a visit has.
const maxMoved = 500

// uploadFirst serves POST /uploads/first: one photo, or all of a visit, before
// the others; with paid also over a network that costs money.
func uploadFirst(q *ask) error {
	names := q.r.PostForm["sha"]
	if len(names) == 0 || len(names) > maxMoved {
		return no("wrong.form")
	}
	shas := make([][32]byte, len(names))
	for i, name := range names {
		sha, err := pathSHA(name)
		if err != nil {
			return err
		}
		shas[i] = sha
	}
	if err := q.app.client.UploadFirst(q.r.Context(), q.ticked("paid"), shas...); err != nil {
		return fmt.Errorf("move up: %w", err)
	}
	q.app.client.Nudge()
	return q.to("/uploads", "moved")
}

// retryUpload serves POST /uploads/{sha}/retry.
func retryUpload(q *ask) error {
	sha, err := pathSHA(q.r.PathValue("sha"))
	if err != nil {
		return err
	}
	if err := q.app.client.RetryUpload(q.r.Context(), sha); err != nil {
		return fmt.Errorf("retry upload: %w", err)
	}
	q.app.client.Nudge()
	return q.to("/uploads", "trying")
}

// pathSHA reads a hash; what is none is not here.
func pathSHA(text string) ([32]byte, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 32 {
		return [32]byte{}, gone()
	}
	return [32]byte(b), nil
}
