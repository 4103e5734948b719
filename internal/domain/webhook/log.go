package webhook

import (
	"context"
	"errors"
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/deliverylog"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// logKey returns the key of the log of an endpoint, whose id has no prefix.
func logKey(endpoint string) store.Key { return store.Key{Kind: store.KindAttempts, ID: endpoint} }

// noteTries remembers the tries of an endpoint until the end of the run.
func (r *deliveryRun) noteTries(b *batch, tries []deliverylog.Try) {
	if b.target.ID == targetBus {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried[b.target.ID] = append(r.tried[b.target.ID], tries...)
}

// logAll adds the tries of a run to the logs of their endpoints: one write for each endpoint, so
// never more than tries. A run that does not come this far leaves its tries out of the logs.
func (r *deliveryRun) logAll(ctx context.Context) error {
	var errs []error
	for endpoint, tries := range r.tried {
		key := logKey(endpoint)
		errs = append(errs, r.Service.Update(ctx, []store.Key{key, account.SettingsKey}, func(t *tx.Tx) error {
			t.BySystem = true
			if findEndpoint(t.Seen[account.SettingsKey].(*account.Settings), account.PrefixHook+endpoint) == nil {
				return nil
			}
			log := t.Seen[key].(*account.DeliveryLog)
			log.Add(tries)
			t.Put(log)
			return nil
		}))
	}
	return errors.Join(errs...)
}

// LoggedTry is a try of the log of an endpoint.
type LoggedTry struct {
	deliverylog.Try
	// Next is when the event is tried again. It is 0 after a try that delivered the event, after the
	// last try, after a try that another one followed, and while the endpoint is disabled.
	Next account.Instant
}

// Tries returns the last tries to deliver to an endpoint, newest first.
func (s *Service) Tries(ctx context.Context, id string) ([]LoggedTry, error) {
	bare := account.BareID(account.PrefixHook, id)
	if bare == "" {
		return nil, apierr.New(apierr.ResourceNotFound)
	}
	key := logKey(bare)
	var out []LoggedTry
	err := s.Update(ctx, []store.Key{account.SettingsKey, key}, func(t *tx.Tx) error {
		e := findEndpoint(t.Seen[account.SettingsKey].(*account.Settings), id)
		if e == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		out = nil
		later := map[string]bool{} // the events of later tries
		for _, one := range slices.Backward(t.Seen[key].(*account.DeliveryLog).Tries) {
			shown := LoggedTry{Try: one}
			if wait, again := retryIn(one.Number); again && one.Problem != "" && !later[one.Event] && !e.Disabled {
				shown.Next = account.Instant(one.At).Add(wait)
			}
			later[one.Event] = true
			out = append(out, shown)
		}
		return nil
	})
	return out, err
}
