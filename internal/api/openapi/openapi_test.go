package openapi_test

import (
	"bytes"
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
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestDocumentIsTheTable: the files that servers show are made from the table. Servers embed them:
// making them would link the whole API and a template package into the function of the pages.
func TestDocumentIsTheTable(t *testing.T) {
	for file, made := range map[string]func([]operation.Operation) ([]byte, error){
		"../../../docs/openapi.yaml": openapi.Document, "../reference/reference.html": openapi.Page,
	} {
		got, err := made(api.Operations())
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-file +table), run make update:\n%s", file, diff)
		}
	}
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
