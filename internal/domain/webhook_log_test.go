package domain_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/deliverylog"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/webhook"
	"github.com/countersign-mfa/countersign/internal/store"
)

// twoEvents makes a commit with two events.
func (o *webhookWorld) twoEvents() {
	o.Helper()
	_, err := o.Admin.CreateUser(o.Context(), admin.UserInput{Username: "two", Phones: []string{aNumber}})
	o.Must(err)
}

// logged returns the log of the endpoint in words, newest first.
func (o *webhookWorld) logged() []string {
	o.Helper()
	tries, err := o.Webhooks.Tries(o.Context(), o.endpoint)
	o.Must(err)
	var out []string
	for _, one := range tries {
		text := fmt.Sprintf("%s %d: %d%s", one.Name, one.Number, one.Status, one.Problem)
		if one.Next != 0 {
			text += " again after " + one.Next.Time().Sub(account.Instant(one.At).Time()).String()
		}
		out = append(out, text)
	}
	return out
}

// TestTheLogOfAnEndpoint: the log shows each try with its outcome and, while the event waits, the
// time of the next one.
func TestTheLogOfAnEndpoint(t *testing.T) {
	o := newWebhookWorld(t, eventtype.UserCreated)
	if got := o.logged(); len(got) != 0 {
		t.Errorf("before any try: %q", got)
	}
	o.recordingSender.down = true
	o.newcomer()
	o.run()
	if got, want := o.logged(), []string{"user.created 1: 503status again after 5s"}; !slices.Equal(got, want) {
		t.Errorf("after a failure: %q, want %q", got, want)
	}
	o.Advance(5 * time.Second)
	o.run()
	if got, want := o.logged(), []string{"user.created 2: 503status again after 5m0s", "user.created 1: 503status"}; !slices.Equal(got, want) {
		t.Errorf("after two failures: %q, want %q", got, want)
	}
	off, on := true, false
	_, err := o.Webhooks.ChangeEndpoint(t.Context(), o.endpoint, webhook.EndpointChange{Disabled: &off})
	o.Must(err)
	if got := o.logged(); got[0] != "user.created 2: 503status" {
		t.Errorf("a disabled endpoint is tried again: %q", got)
	}
	_, err = o.Webhooks.ChangeEndpoint(t.Context(), o.endpoint, webhook.EndpointChange{Disabled: &on})
	o.Must(err)
	o.recordingSender.down = false
	o.Advance(5 * time.Minute)
	o.run()
	if got, want := o.logged(), []string{"user.created 3: 204", "user.created 2: 503status", "user.created 1: 503status"}; !slices.Equal(got, want) {
		t.Errorf("after the delivery: %q, want %q", got, want)
	}
	for name, id := range map[string]string{"another": account.PrefixHook + "aaaaaaaaaaaaaaaaaaaaaaaaaa", "malformed": "ep_x", "empty": ""} {
		if _, err := o.Webhooks.Tries(t.Context(), id); codeOf(err) != "resource_not_found" {
			t.Errorf("the log of %s endpoint: %v", name, err)
		}
	}
}

// TestTheLogOfAnEndpointIsBounded: the log keeps the last fifty tries. A run of any number of tries
// writes it once. It goes with its endpoint, or a month after the last try.
func TestTheLogOfAnEndpointIsBounded(t *testing.T) {
	o := newWebhookWorld(t, eventtype.UserCreated)
	const events = 60
	for range events {
		o.newcomer()
	}
	before := o.counts.Counts()
	o.run()
	after := o.counts.Counts()
	// Each delivery costs a lease and an outcome.
	if writes := after.Commits - before.Commits; writes != 2*events+1 {
		t.Errorf("%d tries cost %d writes, want %d and one for the log", events, writes, 2*events)
	}
	if got := o.logged(); len(got) != deliverylog.Most {
		t.Errorf("the log has %d tries", len(got))
	}
	log := o.all(store.KindAttempts)
	if len(log) != 1 || len(log[0].Data) > 8<<10 {
		t.Fatalf("%d logs, the first of %d bytes", len(log), len(log[0].Data))
	}
	if want := o.Now().Add(account.EventKept).Truncate(time.Second); log[0].Ends.Before(want.Add(-time.Second)) || log[0].Ends.After(want.Add(time.Second)) {
		t.Errorf("the log ends at %v, want %v", log[0].Ends, want)
	}
	_, err := o.Webhooks.DeleteEndpoint(t.Context(), o.endpoint)
	o.Must(err)
	if left := o.all(store.KindAttempts); len(left) != 0 {
		t.Error("the log is left after its endpoint")
	}
}

// TestARunForARemovedEndpointLeavesNoLog: an endpoint that is removed during a run gets no log.
func TestARunForARemovedEndpointLeavesNoLog(t *testing.T) {
	o := newWebhookWorld(t, eventtype.UserCreated)
	o.newcomer()
	o.onTrip = func() {
		_, err := o.Webhooks.DeleteEndpoint(t.Context(), o.endpoint)
		o.Must(err)
	}
	o.run()
	if left := o.all(store.KindAttempts); len(left) != 0 {
		t.Errorf("%d logs are left", len(left))
	}
}

// TestTheLogOfAnEndpointWithoutASecret: a try that cannot be signed is in the log too.
func TestTheLogOfAnEndpointWithoutASecret(t *testing.T) {
	o := newWebhookWorld(t, eventtype.UserCreated)
	_, err := o.Settings.Change(t.Context(), func(s *account.Settings) {
		s.Endpoints = slices.Clone(s.Endpoints)
		s.Endpoints[0].Secrets = nil
	})
	o.Must(err)
	o.newcomer()
	o.run()
	if got, want := o.logged(), []string{"user.created 1: 0unsigned again after 5s"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestOneEventIsSentAgain: one event of a commit is sent again alone and at once, also while the
// endpoint waits for its next try, and also for a test.
func TestOneEventIsSentAgain(t *testing.T) {
	o := newWebhookWorld(t) // all events
	o.twoEvents()
	o.run()
	all := slices.Clone(o.got)
	for _, first := range all {
		o.got = nil
		o.Must(o.Webhooks.ResendEvent(t.Context(), o.endpoint, first.ID))
		if o.run(); len(o.got) != 1 || o.got[0].ID != first.ID || o.waiting() != 0 {
			t.Errorf("%s again: got %v, %d wait", first.Type, o.types(), o.waiting())
		}
	}
	tested, err := o.Webhooks.TestEndpoint(t.Context(), o.endpoint)
	o.Must(err)
	o.recordingSender.down = true
	o.run()
	o.recordingSender.down, o.got = false, nil
	if o.run(); len(o.got) != 0 {
		t.Fatal("the next try comes at once")
	}
	o.Must(o.Webhooks.ResendEvent(t.Context(), o.endpoint, tested))
	if o.run(); len(o.got) != 1 || o.got[0].ID != tested || o.waiting() != 0 {
		t.Errorf("while it waits: got %v, %d wait", o.types(), o.waiting())
	}
}

// TestWhatCannotBeSentAgain: an unknown or forgotten event, one that the endpoint did not subscribe
// to, and an endpoint that is disabled or gone.
func TestWhatCannotBeSentAgain(t *testing.T) {
	o := newWebhookWorld(t, eventtype.UserCreated)
	o.newcomer()
	o.run()
	id := o.got[0].ID
	again := func(endpoint, event string) error {
		return o.Webhooks.ResendEvent(t.Context(), endpoint, event)
	}
	for name, event := range map[string]string{"empty": "", "malformed": "evt_x", "of another commit": id[:len(id)-3] + "000", "beyond the commit": id[:len(id)-2] + "vv", "a user": "user_" + id[4:]} {
		if err := again(o.endpoint, event); codeOf(err) != "resource_not_found" {
			t.Errorf("%s: %v", name, err)
		}
	}
	o.want(apierr.ResourceNotFound, again("ep_unknown", id))
	_, err := o.Webhooks.ChangeEndpoint(t.Context(), o.endpoint, webhook.EndpointChange{Events: &[]eventtype.Name{eventtype.UserLocked}})
	o.Must(err)
	o.want(apierr.FormParamValueInvalid, again(o.endpoint, id))
	off := true
	_, err = o.Webhooks.ChangeEndpoint(t.Context(), o.endpoint, webhook.EndpointChange{Disabled: &off})
	o.Must(err)
	o.want(apierr.ResourceNotFound, again(o.endpoint, id))
	if o.waiting() != 0 {
		t.Errorf("%d wait", o.waiting())
	}
}

// TestSendingAgainWhileEventsWait: of a commit whose events wait, each that is sent again arrives.
func TestSendingAgainWhileEventsWait(t *testing.T) {
	o := newWebhookWorld(t)
	o.recordingSender.down = true
	o.twoEvents()
	o.run()
	tries, err := o.Webhooks.Tries(t.Context(), o.endpoint)
	o.Must(err)
	var ids []string
	for _, one := range tries {
		o.Must(o.Webhooks.ResendEvent(t.Context(), o.endpoint, one.Event))
		ids = append(ids, one.Event)
	}
	o.recordingSender.down = false
	o.run()
	var got []string
	for _, d := range o.got {
		got = append(got, d.ID)
	}
	for _, id := range ids {
		if !slices.Contains(got, id) {
			t.Errorf("%s was not sent again", id)
		}
	}
	if o.waiting() != 0 {
		t.Errorf("%d wait", o.waiting())
	}
}
