package openapi_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/openapi"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/reference"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestDocumentIsTheTable: the document, and the compressed files that servers show, are made from
// the table.
func TestDocumentIsTheTable(t *testing.T) {
	for _, f := range []struct {
		name string
		made func([]operation.Operation) ([]byte, error)
		pack func(testing.TB, []byte) []byte
		text func([]byte) ([]byte, error)
	}{
		{"../../../docs/openapi.yaml", openapi.Document, plain, func(text []byte) ([]byte, error) { return text, nil }},
		{"../reference/openapi.yaml.gz", openapi.Document, compress, reference.Text},
		{"../reference/reference.html.gz", openapi.Page, compress, reference.Text},
	} {
		want, err := f.made(api.Operations())
		if err != nil {
			t.Fatal(err)
		}
		held, err := os.ReadFile(f.name)
		if err != nil && !*update {
			t.Fatal(err)
		}
		got, err := f.text(held)
		// Equal text is not written again: another release of Go may compress it otherwise.
		if *update && (err != nil || !bytes.Equal(got, want)) {
			if err := os.WriteFile(f.name, f.pack(t, want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(got), string(want)); diff != "" {
			t.Errorf("%s (-file +table), run make update:\n%s", f.name, diff)
		}
	}
}

func plain(_ testing.TB, text []byte) []byte { return text }

func compress(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDocumentIsValid(t *testing.T) {
	text, err := openapi.Document(api.Operations())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Error(err)
	}
	if n := len(doc.Paths.Map()); n < 45 {
		t.Errorf("%d paths", n)
	}
}

func TestPageShowsEveryOperation(t *testing.T) {
	page, err := openapi.Page(api.Operations())
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range api.Operations() {
		if !strings.Contains(string(page), `<article id="`+op.Name+`"`) {
			t.Errorf("%s is not on the page", op.Name)
		}
	}
	if strings.Contains(string(page), "<script") || strings.Contains(string(page), "src=") {
		t.Error("the page loads something")
	}
}

// TestReferenceIsForPeople: types are in the words of JSON, not of Go.
func TestReferenceIsForPeople(t *testing.T) {
	page, err := openapi.Page(api.Operations())
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{">ptr<", ">slice<", ">struct<", ">int<"} {
		if bytes.Contains(page, []byte(word)) {
			t.Errorf("the reference says %s", word)
		}
	}
}
