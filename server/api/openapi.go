package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"siteledger/syncproto"
)

// describe writes the OpenAPI 3.1 description of the route table, so that the
// two cannot differ.
func describe(routes []Route, version string) ([]byte, error) {
	paths := map[string]map[string]any{}
	for _, r := range routes {
		if paths[r.Path] == nil {
			paths[r.Path] = map[string]any{}
		}
		paths[r.Path][strings.ToLower(r.Method)] = operation(r)
	}
	if version == "" {
		version = "0"
	}
	doc := map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{
			"title":       "SiteLedger sync API",
			"version":     version,
			"description": fmt.Sprintf("Sync protocol version %d. Bodies of type application/cbor have integer keys where the properties are numbers; see syncproto/PROTOCOL.md.", syncproto.Version),
		},
		"paths": paths,
		"components": map[string]any{
			"securitySchemes": map[string]any{"device": map[string]any{"type": "http", "scheme": "bearer"}},
			"responses": map[string]any{"problem": map[string]any{
				"description": "What went wrong (RFC 9457)",
				"content":     content([]string{syncproto.TypeProblem}, syncproto.Problem{}),
			}},
		},
	}
	return json.MarshalIndent(doc, "", " ")
}

func operation(r Route) map[string]any {
	answer := map[string]any{"description": r.Summary}
	if len(r.OutType) > 0 {
		answer["content"] = content(r.OutType, r.Out)
	}
	if r.Status == 303 {
		answer["headers"] = map[string]any{"Location": map[string]any{"schema": map[string]any{"type": "string", "format": "uri"}}}
	}
	op := map[string]any{
		"summary":     r.Summary,
		"operationId": strings.Trim(regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(strings.ToLower(r.Method)+" "+r.Path, "_"), "_"),
		"responses": map[string]any{
			strconv.Itoa(r.Status): answer,
			"default":              map[string]any{"$ref": "#/components/responses/problem"},
		},
	}
	if r.Access != Open {
		op["security"] = []any{map[string]any{"device": []string{}}}
	}
	if r.InType != "" {
		bodies := content([]string{r.InType}, r.In)
		if r.Packed != nil {
			maps.Copy(bodies, content([]string{syncproto.TypePacked}, r.Packed))
		}
		op["requestBody"] = map[string]any{"required": true, "content": bodies}
	}
	var params []any
	for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(r.Path, -1) {
		params = append(params, map[string]any{"name": m[1], "in": "path", "required": true, "schema": map[string]any{"type": "string"}})
	}
	for _, p := range r.Query {
		params = append(params, map[string]any{"name": p.Name, "in": "query", "description": p.Meaning, "schema": map[string]any{"type": p.Type}})
	}
	if len(params) > 0 {
		op["parameters"] = params
	}
	return op
}

func content(types []string, sample any) map[string]any {
	out := map[string]any{}
	for _, media := range types {
		entry := map[string]any{}
		if sample != nil {
			entry["schema"] = shape(reflect.TypeOf(sample), media == syncproto.TypeCBOR || media == syncproto.TypePacked)
		}
		out[media] = entry
	}
	return out
}

// shape is the JSON Schema of a Go type. In CBOR an integer key stands for a
// property, and ids are byte strings.
func shape(t reflect.Type, cbor bool) map[string]any {
	switch {
	case t == reflect.TypeFor[uuid.UUID]() && cbor:
		return map[string]any{"type": "string", "contentEncoding": "binary", "minLength": 16, "maxLength": 16}
	case t == reflect.TypeFor[uuid.UUID]():
		return map[string]any{"type": "string", "format": "uuid"}
	case t == reflect.TypeFor[[]byte]() && cbor:
		return map[string]any{"type": "string", "contentEncoding": "binary"}
	case t == reflect.TypeFor[[]byte]():
		return map[string]any{"type": "string", "contentEncoding": "base64"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return shape(t.Elem(), cbor)
	case reflect.Struct:
		return object(t, cbor)
	case reflect.Slice:
		return map[string]any{"type": "array", "items": shape(t.Elem(), cbor)}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": shape(t.Elem(), cbor)}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return map[string]any{"type": "integer"}
	}
	return map[string]any{} // anything
}

func object(t reflect.Type, cbor bool) map[string]any {
	props := map[string]any{}
	var required []string
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		if c := f.Tag.Get("cbor"); cbor && c != "" {
			tag = c
		}
		name, rest, _ := strings.Cut(tag, ",")
		p := shape(f.Type, cbor)
		if strings.Contains(rest, "keyasint") {
			p["title"] = f.Name
		}
		props[name] = p
		if !strings.Contains(rest, "omitempty") {
			required = append(required, name)
		}
	}
	out := map[string]any{"type": "object", "properties": props}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}
