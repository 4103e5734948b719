package domain_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
)

// wantMetadata compares the stored metadata of the user.
func (p *person) wantMetadata(public, private, unsafe string) {
	p.Helper()
	u, err := p.Admin.User(p.Context(), p.id)
	p.Must(err)
	if got, want := fmt.Sprintf("%s %s %s", u.Public, u.Private, u.Unsafe), fmt.Sprintf("%s %s %s", public, private, unsafe); got != want {
		p.Errorf("metadata %s, want %s", got, want)
	}
}

// TestMetadataIsMergedOrReplaced: a merge changes the given keys, a replacement the given parts.
// Either is one act and one event.
func TestMetadataIsMergedOrReplaced(t *testing.T) {
	ctx := t.Context()
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	merge := func(in admin.Metadata) *account.User {
		u, err := p.Admin.MergeMetadata(ctx, p.id, in)
		p.Must(err)
		return u
	}
	first := merge(admin.Metadata{Public: json.RawMessage(`{"a":{"b":1,"c":2}}`), Private: json.RawMessage(`{"note":"x"}`)})
	second := merge(admin.Metadata{Public: json.RawMessage(`{"a":{"b":null,"d":3}}`), Unsafe: json.RawMessage(`{"theme":"dark"}`)})
	p.wantMetadata(`{"a":{"c":2,"d":3}}`, `{"note":"x"}`, `{"theme":"dark"}`)
	if second.UpdatedAt <= first.UpdatedAt {
		t.Error("updated_at did not grow")
	}
	_, err := p.Admin.ReplaceMetadata(ctx, p.id, admin.Metadata{Public: json.RawMessage(`{"e":1}`), Private: json.RawMessage(`{}`)})
	p.Must(err)
	p.wantMetadata(`{"e":1}`, `{}`, `{"theme":"dark"}`)
	if n := p.happened(eventtype.UserUpdated); n != 3 {
		t.Errorf("%d events of 3 changes", n)
	}
	if !p.alive() {
		t.Error("the user's session ended")
	}
}

// TestTooMuchMetadataChangesNothing: the limit holds for the result of a merge.
func TestTooMuchMetadataChangesNothing(t *testing.T) {
	ctx := t.Context()
	p := newWorld(t).newcomer()
	half := json.RawMessage(`{"half":"` + strings.Repeat("x", account.MetadataBytes/2) + `"}`)
	_, err := p.Admin.MergeMetadata(ctx, p.id, admin.Metadata{Public: half})
	p.Must(err)
	for name, change := range map[string]func(admin.Metadata) (*account.User, error){
		"merge":   func(in admin.Metadata) (*account.User, error) { return p.Admin.MergeMetadata(ctx, p.id, in) },
		"replace": func(in admin.Metadata) (*account.User, error) { return p.Admin.ReplaceMetadata(ctx, p.id, in) },
	} {
		_, err = change(admin.Metadata{Private: half})
		p.want(apierr.FormParamExceedsAllowedSize, err)
		if param := apierr.From(err).Meta()["param_name"]; param != "private_metadata" {
			t.Errorf("%s: the error names %v", name, param)
		}
		if text := apierr.From(err).LongMessage(); !strings.Contains(text, "together, is larger than 8 KiB") {
			t.Errorf("%s: the error says %q, without the limit", name, text)
		}
	}
	p.wantMetadata(string(half), "", "")
	for name, id := range map[string]string{"unknown": "user_" + strings.Repeat("2", account.IDLen), "malformed": "user_", "of a session": "sess_x"} {
		if _, err := p.Admin.MergeMetadata(ctx, id, admin.Metadata{Public: half}); codeOf(err) != apierr.ResourceNotFound {
			t.Errorf("an id that is %s: %v", name, err)
		}
	}
}

// TestMergesAtOnceAllStay: of merges of different keys at once none is lost.
func TestMergesAtOnceAllStay(t *testing.T) {
	p := newWorld(t).newcomer()
	answers := race(10, func(i int) error {
		_, err := p.Admin.MergeMetadata(t.Context(), p.id, admin.Metadata{Public: json.RawMessage(fmt.Sprintf(`{"k%d":%d}`, i, i))})
		return err
	})
	if answers[""] != 10 {
		t.Fatalf("answers %v, want 10 successes", answers)
	}
	p.wantMetadata(`{"k0":0,"k1":1,"k2":2,"k3":3,"k4":4,"k5":5,"k6":6,"k7":7,"k8":8,"k9":9}`, "", "")
}
