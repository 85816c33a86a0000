package logline_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"siteledger/server/logline"
)

// Whatever a value holds, an entry is one line, nothing in it steers a
// terminal, and it forges no second entry.
func TestOneLine(t *testing.T) {
	hostile := []string{
		"a\r\nlevel=ERROR msg=forged", "\x1b[31mred\x1b[0m", "\u009b31m", "a\u2028b", "\u202egnp.exe", "a\x00b", "{\"level\":\"ERROR\"}\n{\"level\":\"ERROR\"}", "\xff\xfe", strings.Repeat("x", 1<<20),
	}
	for _, format := range []string{"text", "json"} {
		for _, h := range hostile {
			var b bytes.Buffer
			log := logline.New(&b, format, slog.LevelInfo)
			log.Info(h, "error", errors.New(h), "path", h, slog.Any("code", []string{h}))
			out := b.String()
			if strings.Count(out, "\n") != 1 || strings.ContainsAny(out[:len(out)-1], "\r\x1b\x00\u009b\u2028\u202e") {
				t.Errorf("%s: %q became %.300q", format, h, out)
			}
			if len(out) > 64<<10 {
				t.Errorf("%s: a line of %d bytes", format, len(out))
			}
			if format == "json" && !json.Valid([]byte(out)) {
				t.Errorf("%.200q is not JSON", out)
			}
		}
	}
}

func TestSecretsAreMasked(t *testing.T) {
	for text, never := range map[string]string{
		"Authorization: Bearer abc.def-ghi":                       "abc.def",
		"GET http://s/b/k?X-Amz-Signature=0123abcd&x=1":           "0123abcd",
		"token eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl": "eyJzdWIi",
		"dial postgres://sl:hunter2@db/sl: refused":               "hunter2",
		"row of 13800138000 breaks":                               "13800138000",
		"password=hunter2":                                        "hunter2",
	} {
		var b bytes.Buffer
		logline.New(&b, "json", slog.LevelInfo).Error("x", "error", errors.New(text))
		if strings.Contains(b.String(), never) || !strings.Contains(b.String(), "**") {
			t.Errorf("%s", b.String())
		}
	}
	var b bytes.Buffer
	logline.New(&b, "text", slog.LevelInfo).Info("x", "device", "0192f0c1-7c3e-4d5a-9b1e-138001380001")
	if !strings.Contains(b.String(), "138001380001") {
		t.Errorf("an id was masked: %s", b.String())
	}
}

// Every log call of the server names its fields by literals from the list.
func TestFieldsAreFromTheList(t *testing.T) {
	known := map[string]bool{}
	for _, f := range logline.Fields() {
		if known[f.Name] || f.Meaning == "" {
			t.Errorf("field %s is there twice, or without its meaning", f.Name)
		}
		known[f.Name] = true
	}
	calls := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (aside(d.Name()) || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			keys, ok := keysOf(call)
			if !ok {
				return true
			}
			calls++
			for _, k := range keys {
				if name, ok := literal(k); !ok || !known[name] {
					t.Errorf("%s: field %s is not on the list of package logline", fset.Position(k.Pos()), name)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if calls < 20 {
		t.Errorf("only %d log calls were found", calls)
	}
}

// aside are the programs that try the server and have a log of their own.
func aside(folder string) bool {
	switch folder {
	case "bench", "conformance", "demo", "drill", "e2e", "simulate":
		return true
	}
	return false
}

// keysOf gives the expressions of a log call's keys.
func keysOf(call *ast.CallExpr) ([]ast.Expr, bool) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil, false
	}
	on := lastName(sel.X)
	if on == "slog" {
		switch sel.Sel.Name {
		case "String", "Int", "Int64", "Uint64", "Bool", "Duration", "Time", "Any", "Float64":
			return call.Args[:1], true
		}
	}
	if !strings.EqualFold(on, "log") && !strings.EqualFold(on, "logger") {
		return nil, false
	}
	skip := 0
	switch sel.Sel.Name {
	case "With":
	case "Debug", "Info", "Warn", "Error":
		skip = 1
	case "DebugContext", "InfoContext", "WarnContext", "ErrorContext":
		skip = 2
	default:
		return nil, false
	}
	var keys []ast.Expr
	for i := skip; i < len(call.Args); i++ {
		if c, ok := call.Args[i].(*ast.CallExpr); ok && (i-skip)%2 == 0 {
			if s, ok := c.Fun.(*ast.SelectorExpr); ok && lastName(s.X) == "slog" {
				skip++ // an Attr stands alone and is looked at by itself
				continue
			}
		}
		if (i-skip)%2 == 0 {
			keys = append(keys, call.Args[i])
		}
	}
	return keys, true
}

func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func literal(e ast.Expr) (string, bool) {
	b, ok := e.(*ast.BasicLit)
	if !ok || b.Kind != token.STRING {
		return "not a literal", false
	}
	s, err := strconv.Unquote(b.Value)
	return s, err == nil
}
