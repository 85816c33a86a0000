package syncproto_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/google/uuid"

	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

type summaryVector struct {
	Name    string       `json:"name"`
	Visit   summaryRow   `json:"visit"`
	Record  *summaryRow  `json:"service_record"`
	Parts   []summaryRow `json:"part_used"`
	Defects []summaryRow `json:"defect"`
	Fees    []summaryRow `json:"fee_line"`
	Rating  *summaryRow  `json:"rating"`
	Content string       `json:"content"`
	Hash    string       `json:"hash"`
}

type summaryRow struct {
	ID   uuid.UUID        `json:"id"`
	Cols map[string]value `json:"cols"`
}

func (r summaryRow) row(t *testing.T, table string) schema.Row {
	return schema.Row{Table: table, ID: r.ID, Cols: cells(t, r.Cols)}
}

func rowsOf(t *testing.T, table string, in []summaryRow) []schema.Row {
	var out []schema.Row
	for _, r := range in {
		out = append(out, r.row(t, table))
	}
	return out
}

func (v summaryVector) rows(t *testing.T) fieldwork.VisitRows {
	out := fieldwork.VisitRows{Visit: v.Visit.row(t, "visit"), Parts: rowsOf(t, "part_used", v.Parts), Defects: rowsOf(t, "defect", v.Defects), Fees: rowsOf(t, "fee_line", v.Fees)}
	if v.Record != nil {
		r := v.Record.row(t, "service_record")
		out.Record = &r
	}
	if v.Rating != nil {
		r := v.Rating.row(t, "rating")
		out.Rating = &r
	}
	return out
}

func sampleVisits() []summaryVector {
	visit := fixed(2)
	row := func(n byte, cols map[string]any) summaryRow {
		if n != 2 {
			cols["visit"] = visit[:]
		}
		return summaryRow{fixed(n), toValues(cols)}
	}
	fee := func(n byte, item string, quantity, standard, charged int64, basis string, card any) summaryRow {
		return row(n, map[string]any{"item": item, "name": "上门费", "quantity": quantity, "standard_version": "2026-1", "standard_price": standard,
			"card_price": card, "charged": charged, "currency": "CNY", "basis": basis})
	}
	record := row(3, map[string]any{"fault": "抽屉卡住\n推不进去", "cause": "滑轨变形", "measure": "更换滑轨", "training_done": true, "restored": true, "cleaned": true, "warranty_card": false})
	deferred := row(3, map[string]any{"fault": "台面有裂缝", "deferred": true, "measure": "还不显示"})
	rating := row(4, map[string]any{"quality": int64(5), "attitude": int64(4), "comment": "师傅很细心,𠮷"})
	other := row(11, map[string]any{"class": "other", "text": "另一次上门的缺陷"})
	other.Cols["visit"] = toValue(idBytes(0x77))
	at := map[string]any{"started_at": int64(1795312800000), "outcome": "solved"}
	return []summaryVector{
		{Name: "whole", Visit: row(2, at), Record: &record, Rating: &rating,
			Parts:   []summaryRow{row(6, map[string]any{"name": "滑轨", "serial": "S-9", "quantity": int64(2)}), row(5, map[string]any{"name": "螺丝", "quantity": int64(8)})},
			Defects: []summaryRow{other, row(10, map[string]any{"class": "door_colour", "text": "左起第二块门板比旁边偏黄"})},
			Fees:    []summaryRow{fee(21, "B2", 2, 12000, 20000, "card", int64(10000)), fee(20, "A1", 1, 5000, 4500, "below", nil)}},
		{Name: "nothing but the visit", Visit: row(2, map[string]any{"started_at": int64(1795312800000)})},
		{Name: "deferred cause and measure", Visit: row(2, map[string]any{"started_at": int64(0), "outcome": "judge"}), Record: &deferred},
	}
}

func TestConformanceSummaries(t *testing.T) {
	built := sampleVisits()
	for i := range built {
		content, hash := fieldwork.Summary(built[i].rows(t))
		built[i].Content, built[i].Hash = content, hex.EncodeToString(hash[:])
	}
	for _, v := range conform(t, "summaries.json", built) {
		content, hash := fieldwork.Summary(v.rows(t))
		if sum := sha256.Sum256([]byte(v.Content)); content != v.Content || sum != hash || hex.EncodeToString(sum[:]) != v.Hash {
			t.Errorf("%s: %x of\n%s", v.Name, hash, content)
		}
	}
}
