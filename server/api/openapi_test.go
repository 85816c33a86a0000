package api_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"siteledger/server/api"
)

// TestDescriptionAndRoutesAgree compares /openapi.json with the route table,
// both ways.
func TestDescriptionAndRoutesAgree(t *testing.T) {
	w := newWorld(t)
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			Summary     string                      `json:"summary"`
			OperationID string                      `json:"operationId"`
			Security    []any                       `json:"security"`
			Parameters  []struct{ Name, In string } `json:"parameters"`
			Responses   map[string]json.RawMessage  `json:"responses"`
			RequestBody *struct {
				Content map[string]struct {
					Schema map[string]any `json:"schema"`
				} `json:"content"`
			} `json:"requestBody"`
		} `json:"paths"`
	}
	res := w.call("GET", "/openapi.json", "", nil)
	must(t, json.Unmarshal(res.body, &doc))
	described := 0
	for _, ops := range doc.Paths {
		described += len(ops)
	}
	routes := w.api.Routes()
	if described != len(routes) || !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("%d operations, %d routes", described, len(routes))
	}
	ids := map[string]bool{}
	for _, r := range routes {
		op, ok := doc.Paths[r.Path][strings.ToLower(r.Method)]
		if !ok {
			t.Errorf("%s %s is not described", r.Method, r.Path)
			continue
		}
		if op.Summary == "" || ids[op.OperationID] {
			t.Errorf("%s %s: summary %q, id %q", r.Method, r.Path, op.Summary, op.OperationID)
		}
		ids[op.OperationID] = true
		if (len(op.Security) > 0) != (r.Access != api.Open) {
			t.Errorf("%s %s: security %v", r.Method, r.Path, op.Security)
		}
		if _, ok := op.Responses[strconv.Itoa(r.Status)]; !ok || op.Responses["default"] == nil {
			t.Errorf("%s %s: answers %v", r.Method, r.Path, op.Responses)
		}
		if (op.RequestBody != nil) != (r.InType != "") {
			t.Errorf("%s %s: body", r.Method, r.Path)
		}
		if op.RequestBody != nil && len(op.RequestBody.Content[r.InType].Schema) == 0 {
			t.Errorf("%s %s: the body has no shape", r.Method, r.Path)
		}
		if want := len(r.Query) + strings.Count(r.Path, "{"); len(op.Parameters) != want {
			t.Errorf("%s %s: %d parameters, want %d", r.Method, r.Path, len(op.Parameters), want)
		}
	}
}
