package mfatest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/store"
)

// RaceForExternalID lets two servers over one store create users with the same external id, and
// give it to users that exist, all at once. It fails unless exactly one user has it in the end.
func RaceForExternalID(t *testing.T, shared store.Store) {
	t.Helper()
	const racers = 16
	servers := []*World{New(t, domain.Config{Store: shared}), New(t, domain.Config{Store: shared})}
	ids := make([]string, 2*racers) // those of the second half are made in the race
	for i := range racers {
		u, err := servers[0].Admin.CreateUser(t.Context(), admin.UserInput{Username: fmt.Sprint("race", i)})
		servers[0].Must(err)
		ids[i] = u.WireID()
	}
	errs := make([]error, 2*racers)
	var wait sync.WaitGroup
	for i := range racers {
		wait.Go(func() {
			u, err := servers[i%2].Admin.CreateUser(t.Context(), admin.UserInput{ExternalID: "crm-1"})
			if errs[2*i] = err; err == nil {
				ids[racers+i] = u.WireID()
			}
		})
		wait.Go(func() {
			_, errs[2*i+1] = servers[(i+1)%2].Admin.UpdateUser(t.Context(), ids[i], admin.UserChange{ExternalID: new("crm-1")})
		})
	}
	wait.Wait()
	won := 0
	for _, err := range errs {
		refused, ok := errors.AsType[*apierr.Error](err)
		switch {
		case err == nil:
			won++
		case !ok || refused.Code() != apierr.FormIdentifierExists:
			t.Errorf("a server answers %v", err)
		}
	}
	held := 0
	for _, id := range ids {
		if id == "" {
			continue
		}
		u, err := servers[1].Admin.User(t.Context(), id)
		servers[1].Must(err)
		if u.ExternalID == "crm-1" {
			held++
		}
	}
	if won != 1 || held != 1 {
		t.Errorf("%d requests succeeded and %d users have the external id, want one", won, held)
	}
}
