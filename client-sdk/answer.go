package clientsdk

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"siteledger/syncproto"
)

// NoticeQuestion is the kind of a notice that asks something about a case of no
// job: its Row is the question, to be answered with [Client.Answer].
const NoticeQuestion = "question"

// answerTable is where the answer to a question of no job goes: a row of the
// technician's own, under the question's id.
const answerTable = "day_summary"

// isQuestion says whether a message asks something.
func isQuestion(in syncproto.Instruction) bool {
	_, ok := idArg(in.Args, "case")
	return in.Kind == syncproto.KindMessage && ok
}

// Answer records the technician's answer to a question of the office that
// belongs to no job. Answering again changes the answer. [CodeRowUnknown] where
// the question is none that this phone was given.
func (c *Client) Answer(ctx context.Context, question uuid.UUID, text string) error {
	in := syncproto.Instruction{ID: question}
	err := c.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var args string
		err := tx.QueryRowContext(ctx, `SELECT kind, args FROM instruction WHERE id = $1`, question[:]).Scan(&in.Kind, &args)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("question: %w", err)
		}
		return json.Unmarshal([]byte(args), &in.Args)
	})
	if err != nil {
		return err
	}
	if !isQuestion(in) {
		return refusal(CodeRowUnknown, "instruction", "", "本机没有这个问题。", "This phone was not asked this question.")
	}
	if text == "" {
		return refusal(CodeRequired, answerTable, "text", "请写下答复。", "Write an answer.")
	}
	return c.Edit(ctx, func(e *Edit) error {
		_, ok, err := e.Row(answerTable, question)
		if err != nil {
			return err
		}
		if ok {
			return e.Update(answerTable, question, map[string]any{"text": text})
		}
		return e.InsertID(answerTable, question, map[string]any{"day": c.cfg.Now().Format(time.DateOnly), "text": text})
	})
}

// Answered is what was answered to a question; empty where nothing was.
func (v *View) Answered(question uuid.UUID) (string, error) {
	row, _, err := v.Row(answerTable, question)
	return row.Text("text"), err
}
