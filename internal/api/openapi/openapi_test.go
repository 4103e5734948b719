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
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestDocumentIsTheTable(t *testing.T) {
	got, err := openapi.Document(api.Operations())
	if err != nil {
		t.Fatal(err)
	}
	const golden = "../../../docs/openapi.yaml"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/openapi.yaml (-file +table), run make update:\n%s", diff)
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
