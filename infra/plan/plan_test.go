package plan_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/infra/plan"
)

var update = flag.Bool("update", false, "rewrite testdata/plan.txt")

// TestPlan shows every change of the plan: routes, operations served together, grants.
func TestPlan(t *testing.T) {
	var b strings.Builder
	for _, f := range plan.Functions() {
		fmt.Fprintf(&b, "%s\n", f.Name)
		for _, op := range f.Operations {
			fmt.Fprintf(&b, "  serves %s\n", op.Name)
		}
		for _, e := range plan.Routes() {
			if e.Group == f.Name {
				fmt.Fprintf(&b, "  at     %s\n", e.Key())
			}
		}
		for _, g := range f.Grants {
			fmt.Fprintf(&b, "  may    %s on %s\n", g.Action, g.On)
		}
	}
	const file = "testdata/plan.txt"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || b.String() != string(want) {
		t.Errorf("the plan is not %s; -update rewrites it, read what it changes (%v)", file, err)
	}
}

func TestRoutes(t *testing.T) {
	functions := map[string]plan.Function{}
	for _, f := range plan.Functions() {
		functions[f.Name] = f
	}
	keys, groups := map[string]string{}, map[string]bool{}
	for _, e := range plan.Routes() {
		if other, taken := keys[e.Key()]; taken {
			t.Errorf("%s leads to %s and %s", e.Key(), other, e.Group)
		}
		keys[e.Key()], groups[e.Group] = e.Group, true
		if e.Path != "/" && strings.HasSuffix(e.Path, "/") {
			t.Errorf("%s ends in a slash: an HTTP API has no such route", e.Key())
		}
		if _, ok := functions[e.Group]; !ok {
			t.Errorf("%s leads to %s, which does not exist", e.Key(), e.Group)
		}
	}
	if len(keys) > plan.MostRoutes {
		t.Errorf("%d routes, a gateway takes %d", len(keys), plan.MostRoutes)
	}
	if n := len(groups); n > plan.MostIntegrations {
		t.Errorf("%d integrations, a gateway takes %d", n, plan.MostIntegrations)
	}
	for key, group := range keys {
		if path, ok := strings.CutPrefix(key, "GET "); ok && keys["HEAD "+path] != group {
			t.Errorf("%s leads to %s, and HEAD to %q: a route has one method", key, group, keys["HEAD "+path])
		}
	}
	for key, want := range map[string]string{
		"PATCH /v1/me/phone_numbers/{phone_number_id}":  "me-phone-number-update",
		"DELETE /v1/me/phone_numbers/{phone_number_id}": "me-phone-number-delete",
		"POST /v1/me/phone_numbers/{phone_number_id}":   "me-phone-number-update",
		"POST /v1/me/totp":                   "me-totp-create",
		"POST /v1/client/":                   "",
		"POST /v1/me/backup_codes/{slash+}":  "me-backup-codes-create",
		"POST /v1/me/phone_numbers/{slash+}": "me-phone-number-create",
		"POST /v1/environment":               "environment-patch",
		"POST /v1/users/{user_id}":           "",
		"$default":                           "unrouted",
	} {
		if keys[key] != want {
			t.Errorf("%s leads to %q, want %q", key, keys[key], want)
		}
	}
	var serves []string
	for _, op := range functions["me-totp-create"].Operations {
		serves = append(serves, op.Name)
	}
	if fmt.Sprint(serves) != "[me-totp-create me-totp-update me-totp-delete]" {
		t.Errorf("the POST route of /v1/me/totp serves %v", serves)
	}
}
