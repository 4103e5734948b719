package directory_test

import (
	"fmt"
	"testing"

	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/directory"
	"github.com/countersign-mfa/countersign/internal/store"
)

// TestAWalkEnds: a filter that only the records tell is refused once it has read the most users
// that one request reads, with the reason. It answers as soon as it has its page.
func TestAWalkEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 10,000 users")
	}
	w := newWorld(t)
	for i := range directory.MostWalked + 1 {
		u := w.create(admin.UserInput{Username: fmt.Sprintf("u-%05d", i)})
		if i == directory.MostWalked-50 {
			_, err := w.Admin.Lock(t.Context(), u.WireID())
			w.Must(err)
		}
	}
	yes := true
	find := func(limit int) error {
		_, err := w.Directory.Users(t.Context(), directory.Query{Filter: directory.Filter{Locked: &yes}, Order: store.Descending, Limit: limit})
		return err
	}
	if err := find(1); err != nil {
		t.Errorf("the newest locked user: %v", err)
	}
	_, counted := w.Directory.Count(t.Context(), directory.Filter{Locked: &yes})
	for what, err := range map[string]error{"a page": find(2), "the count": counted} {
		if e := apierr.From(err); e.Code() != apierr.FormParamValueInvalid || e.Meta()["reason"] != "too_many_users" || e.Meta()["param_name"] != "locked" {
			t.Errorf("%s: %v", what, err)
		}
	}
}
