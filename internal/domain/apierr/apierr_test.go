package apierr_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestReferenceIsTheCatalogue(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Errors\n\nFor application developers: every error code, its status and its cause.\n" +
		"Generated from `internal/domain/apierr`.\n\n" +
		"An error answer is `{\"errors\": [{\"code\", \"message\", \"long_message\", \"meta\"}], \"clerk_trace_id\"}`.\n" +
		"`long_message` is for users, `meta.param_name` names the parameter at fault. A 429, and a 403\n" +
		"`user_locked`, carry `Retry-After` in seconds.\n\n" +
		"|code|status|when|\n|---|---|---|\n")
	for _, e := range apierr.All() {
		fmt.Fprintf(&b, "|`%s`|%d|%s|\n", e.Code, e.Status, e.When)
	}
	const golden = "../../../docs/use/errors.md"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("docs/use/errors.md (-file +catalogue):\n%s", diff)
	}
}

func TestStatusesAreClerks(t *testing.T) {
	f, err := os.Open("testdata/clerk-statuses.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	clerk := map[string][]int{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		code, status, ok := strings.Cut(lines.Text(), "\t")
		if !ok || strings.HasPrefix(code, "#") {
			continue
		}
		n, err := strconv.Atoi(status)
		if err != nil {
			t.Fatal(err)
		}
		clerk[code] = append(clerk[code], n)
	}
	own := map[apierr.Code]bool{ // codes without an entry in Clerk's list
		apierr.MethodNotAllowed: true,
	}
	for _, e := range apierr.All() {
		statuses, known := clerk[string(e.Code)]
		if known == own[e.Code] {
			t.Errorf("%s: known to Clerk: %t, listed as our own: %t", e.Code, known, own[e.Code])
		}
		if known && !slices.Contains(statuses, e.Status) {
			t.Errorf("%s: status %d, Clerk's are %v", e.Code, e.Status, statuses)
		}
	}
}

func TestUnknownErrorsSayNothing(t *testing.T) {
	e := apierr.From(fmt.Errorf("open /var/secret: %w", os.ErrPermission))
	if e.Status() != 500 || e.Code() != apierr.InternalClerkError {
		t.Errorf("got %v", e)
	}
	body, err := json.Marshal(e.Envelop("trace"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(body), "secret") || strings.Contains(string(body), "permission") {
		t.Errorf("the body tells the cause: %s", body)
	}
}

func TestCatalogueErrorsSurviveWrapping(t *testing.T) {
	base := apierr.New(apierr.FormCodeIncorrect)
	err := fmt.Errorf("attempt: %w", base.Param("code").Retry(1500*time.Millisecond))
	if !errors.Is(err, base) || errors.Is(err, apierr.New(apierr.UserLocked)) {
		t.Error("errors.Is must compare by code")
	}
	got := apierr.From(err)
	if got.RetryAfter() != 2*time.Second {
		t.Errorf("retry after %v, want it rounded up to 2s", got.RetryAfter())
	}
	want := apierr.Body{Code: "form_code_incorrect", Message: "is incorrect",
		LongMessage: "That code is not right. Check it and try again.", Meta: map[string]any{"param_name": "code"}}
	if diff := cmp.Diff(want, got.Envelop("t").Errors[0]); diff != "" {
		t.Error(diff)
	}
	if len(base.Envelop("t").Errors[0].Meta) != 0 {
		t.Error("Param changed the error it was called on")
	}
}

func TestUnknownCodeIsInternal(t *testing.T) {
	if got := apierr.New("no_such_code").Status(); got != 500 {
		t.Errorf("status %d, want 500", got)
	}
}
