package domain_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/deliverylog"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/webhook"
	"github.com/countersign-mfa/countersign/internal/store"
)

// recordingSender keeps deliveries in a list, or loses them.
type recordingSender struct {
	mu     sync.Mutex
	got    []webhook.Delivery
	tries  int
	down   bool
	onTrip func()
}

var errDown = errors.New("no answer")

func (p *recordingSender) Deliver(_ context.Context, delivery webhook.Delivery) (webhook.Answer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tries++
	if p.onTrip != nil {
		p.onTrip()
	}
	if p.down {
		return webhook.Answer{Status: 503, Problem: deliverylog.Status}, errDown
	}
	p.got = append(p.got, delivery)
	return webhook.Answer{Status: 204}, nil
}

func (p *recordingSender) types() []string {
	var names []string
	for _, delivery := range p.got {
		names = append(names, string(delivery.Type))
	}
	slices.Sort(names)
	return names
}

// webhookWorld is a world with an endpoint and a worker.
type webhookWorld struct {
	*world
	*recordingSender
	endpoint string
	worker   *webhook.Dispatcher
	failures []webhook.Failure
}

func newWebhookWorld(t *testing.T, events ...eventtype.Name) *webhookWorld {
	t.Helper()
	o := &webhookWorld{world: newWorld(t), recordingSender: &recordingSender{}}
	url := "https://app.example.com/hooks"
	r, err := o.Webhooks.CreateEndpoint(t.Context(), webhook.EndpointChange{URL: &url, Events: &events})
	o.Must(err)
	o.endpoint = r.Endpoint.WireID()
	o.worker = &webhook.Dispatcher{Service: o.Service.Webhooks, Endpoints: o.recordingSender, Describe: func(e account.Event, _ *account.User, _ account.Instant) ([]byte, error) { return []byte(e.Name), nil }}
	o.worker.Report = func(f webhook.Failure) {
		o.recordingSender.mu.Lock()
		defer o.recordingSender.mu.Unlock()
		o.failures = append(o.failures, f)
	}
	return o
}

func (o *webhookWorld) run() webhook.DeliveryResult {
	o.Helper()
	r, err := o.worker.Run(o.Context(), 100)
	o.Must(err)
	return r
}

func (o *webhookWorld) waiting() int {
	o.Helper()
	records, _, err := o.counts.List(o.Context(), store.KindDelivery, "", 1000)
	o.Must(err)
	return len(records)
}

// TestWebhooks: each event arrives once, with its body and signing secrets, and no delivery waits
// afterwards.
func TestWebhooks(t *testing.T) {
	o := newWebhookWorld(t)
	o.newcomer()
	o.run()
	if got := o.types(); !slices.Equal(got, []string{"user.created"}) || o.waiting() != 0 {
		t.Fatalf("got %v, %d wait", got, o.waiting())
	}
	first := o.got[0]
	if first.URL != "https://app.example.com/hooks" || !strings.HasPrefix(first.ID, "evt_") || string(first.Body) != "user.created" || len(first.Secrets) != 1 {
		t.Errorf("%+v", first)
	}
	_, err := o.Webhooks.RotateEndpoint(t.Context(), o.endpoint)
	o.Must(err)
	o.newcomer()
	o.run()
	last := o.got[len(o.got)-1]
	if len(last.Secrets) != 2 || !last.Secrets[1].Equal(first.Secrets[0]) {
		t.Errorf("%d secrets sign after a rotation", len(last.Secrets))
	}
	o.Advance(25 * time.Hour)
	o.newcomer()
	o.run()
	if last = o.got[len(o.got)-1]; len(last.Secrets) != 1 || last.Secrets[0].Equal(first.Secrets[0]) {
		t.Error("the secret before signs for more than a day")
	}
}

// TestWebhooksAreRetried: a delivery is tried again after 5 seconds, 5 minutes, 30 minutes, 2, 5
// and 10 hours, then daily up to three days. Then an event reports the failure.
func TestWebhooksAreRetried(t *testing.T) {
	o := newWebhookWorld(t)
	o.recordingSender.down = true
	o.newcomer()
	o.run()
	for i, wait := range []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 24 * time.Hour, 24 * time.Hour, 24 * time.Hour,
	} {
		o.Advance(wait - 2*time.Second)
		if o.run(); o.tries != i+1 {
			t.Fatalf("try %d comes before %v", o.tries, wait)
		}
		o.Advance(3 * time.Second)
		if o.run(); o.tries != i+2 {
			t.Fatalf("%d tries after %v, want %d", o.tries, wait, i+2)
		}
		_, err := o.Service.Admin.Cleanup(t.Context(), 1000)
		o.Must(err)
	}
	if first, last := o.failures[0], o.failures[9]; len(o.failures) != 10 || last.Try != 10 || first.Target != o.endpoint || first.Type != eventtype.UserCreated || first.Event == "" || !errors.Is(first.Reason, errDown) {
		t.Errorf("the failures are %+v", o.failures)
	}
	if names := o.told(500); o.waiting() != 0 || names[len(names)-1] != "webhook.failed" {
		t.Errorf("%d wait, the journal ends with %v", o.waiting(), names)
	}
}

// TestAnEndpointWithoutAnOpenSecret: an endpoint whose secret does not open, or that has none,
// fails alone. Others get their events, and a rotation of the secret mends it.
func TestAnEndpointWithoutAnOpenSecret(t *testing.T) {
	for name, secrets := range map[string][]account.HookSecret{"of other keys": {{Sealed: []byte("sealed by other keys")}}, "none": nil} {
		t.Run(name, func(t *testing.T) {
			o := newWebhookWorld(t, eventtype.UserCreated)
			_, err := o.Settings.Change(t.Context(), func(s *account.Settings) {
				s.Endpoints = slices.Clone(s.Endpoints)
				s.Endpoints[0].Secrets = secrets
			})
			o.Must(err)
			other := "https://other.example.com/hooks"
			_, err = o.Webhooks.CreateEndpoint(t.Context(), webhook.EndpointChange{URL: &other, Events: &[]eventtype.Name{eventtype.UserCreated}})
			o.Must(err)
			o.newcomer()
			if r := o.run(); r.Failed != 1 || len(o.got) != 1 || o.got[0].URL != other || o.waiting() != 1 {
				t.Fatalf("%+v, got %v, %d wait", r, o.types(), o.waiting())
			}
			if f := o.failures; len(f) != 1 || f[0].Target != o.endpoint || !strings.Contains(f[0].Reason.Error(), "rotate_secret") {
				t.Errorf("the failures are %+v", f)
			}
			r, err := o.Webhooks.RotateEndpoint(t.Context(), o.endpoint)
			o.Must(err)
			o.Advance(time.Minute)
			o.run()
			last := o.got[len(o.got)-1]
			if len(o.got) != 2 || last.URL == other || len(last.Secrets) != 1 || !last.Secrets[0].Equal(r.Secret) || o.waiting() != 0 {
				t.Errorf("after a rotation got %v, %d wait", o.types(), o.waiting())
			}
		})
	}
}

// TestWebhooksSurviveTheirWorker: a worker that dies after it leased a delivery leaves it to the
// next worker.
func TestWebhooksSurviveTheirWorker(t *testing.T) {
	o := newWebhookWorld(t)
	o.newcomer()
	ctx, cancel := context.WithCancel(t.Context())
	o.onTrip = cancel
	if _, err := o.worker.Run(ctx, 100); err == nil {
		t.Log("the worker did not notice")
	}
	o.onTrip = nil
	o.got = nil
	o.run()
	if len(o.got) != 0 {
		t.Error("what another worker holds was sent at once")
	}
	o.Advance(3 * time.Minute)
	o.run()
	if got := o.types(); !slices.Equal(got, []string{"user.created"}) || o.waiting() != 0 {
		t.Errorf("got %v, %d wait", got, o.waiting())
	}
}

// TestTwoWorkers: a due delivery is sent by one of two workers.
func TestTwoWorkers(t *testing.T) {
	o := newWebhookWorld(t)
	for range 20 {
		o.newcomer()
	}
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			if _, err := o.worker.Run(t.Context(), 100); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	o.Advance(3 * time.Minute)
	o.run()
	if len(o.got) != 20 || o.waiting() != 0 {
		t.Errorf("%d parcels of 20, %d wait", len(o.got), o.waiting())
	}
}

// TestAnEndpointGetsWhatItAskedFor: an endpoint gets only the events that it is subscribed to, and
// none while it is off.
func TestAnEndpointGetsWhatItAskedFor(t *testing.T) {
	o := newWebhookWorld(t, eventtype.FactorAdded, eventtype.UserDeleted)
	p := o.member()
	o.Must(o.Admin.DeleteUser(t.Context(), p.id))
	o.run()
	if got := o.types(); !slices.Equal(got, []string{"factor.added", "factor.added", "user.deleted"}) {
		t.Errorf("got %v", got)
	}
	off := true
	_, err := o.Webhooks.ChangeEndpoint(t.Context(), o.endpoint, webhook.EndpointChange{Disabled: &off})
	o.Must(err)
	q := o.memberWithoutFactors()
	o.Must(o.Admin.DeleteUser(t.Context(), q.id))
	if o.run(); len(o.got) != 3 || o.waiting() != 0 {
		t.Errorf("%d parcels, %d wait", len(o.got), o.waiting())
	}
	_, err = o.Webhooks.TestEndpoint(t.Context(), o.endpoint)
	o.want(apierr.ResourceNotFound, err)
}

// memberWithoutFactors returns a user without factors, because member took the number.
func (o *webhookWorld) memberWithoutFactors() *person { return o.newcomer() }

// TestAnEndpointIsTriedAndReplayed: a test arrives whatever the endpoint is subscribed to. A replay
// sends only events that it is subscribed to.
func TestAnEndpointIsTriedAndReplayed(t *testing.T) {
	o := newWebhookWorld(t, eventtype.UserCreated)
	for range 60 {
		o.newcomer()
		o.Advance(time.Second)
	}
	o.run()
	from := o.Now()
	o.Advance(time.Minute)
	for range 3 {
		o.newcomer()
	}
	o.run()
	id, err := o.Webhooks.TestEndpoint(t.Context(), o.endpoint)
	o.Must(err)
	o.run()
	if last := o.got[len(o.got)-1]; last.ID != id || last.Type != eventtype.HookTest {
		t.Errorf("the test is %+v, want %s", last, id)
	}
	for since, want := range map[time.Time]int{from: 3, from.Add(-time.Hour): 63, o.Now().Add(time.Hour): 0} {
		o.got = nil
		n, reached, err := o.Webhooks.ReplayEndpoint(t.Context(), o.endpoint, since, o.Now())
		o.Must(err)
		o.run()
		if n != want || len(o.got) != want || !reached.IsZero() {
			t.Errorf("since %v: %d promised, %d sent, want %d, until %v", since, n, len(o.got), want, reached)
		}
	}
	_, _, err = o.Webhooks.ReplayEndpoint(t.Context(), "ep_unknown", from, o.Now())
	o.want(apierr.ResourceNotFound, err)
}

// TestABusySecondIsReplayed: a second may have more events than one commit takes.
func TestABusySecondIsReplayed(t *testing.T) {
	const busy = 120
	o := newWebhookWorld(t, eventtype.UserCreated)
	from := o.Now()
	for range busy {
		o.newcomer()
	}
	all := func() {
		for o.run().More {
			continue
		}
	}
	all()
	o.got = nil
	n, _, err := o.Webhooks.ReplayEndpoint(t.Context(), o.endpoint, from, o.Now())
	o.Must(err)
	if all(); n != busy || len(o.got) != busy {
		t.Errorf("%d promised, %d sent, want %d", n, len(o.got), busy)
	}
}

// TestTheEventBusGetsEverything: the event bus gets every event, also while endpoints do not
// answer.
func TestTheEventBusGetsEverything(t *testing.T) {
	o := newWebhookWorld(t)
	o.Config.Bus = true
	o.Restart()
	bus := &recordingSender{}
	o.worker.Service, o.worker.Bus, o.recordingSender.down = o.Service.Webhooks, bus, true
	o.newcomer()
	o.run()
	if got := bus.types(); !slices.Equal(got, []string{"user.created"}) || bus.got[0].URL != "" || o.waiting() != 1 {
		t.Errorf("got %v, %d wait", got, o.waiting())
	}
}

// TestEndpointsAreChecked: an endpoint is checked before an event is sent to it.
func TestEndpointsAreChecked(t *testing.T) {
	w := newWorld(t)
	for _, url := range []string{
		"http://app.example.com/", "https://", "https:///hooks", "ftp://app.example.com/", "https://app.example.com:8443/", "https://app.example.com:22/", "https://me:pw@app.example.com/",
		"https://app.example.com/#x", "http://localhost/", "/hooks", "app.example.com", "https://app.example.com/" + strings.Repeat("x", 500), "https:app.example.com", "\x00",
	} {
		_, err := w.Webhooks.CreateEndpoint(t.Context(), webhook.EndpointChange{URL: &url})
		w.want(apierr.FormParamFormatInvalid, err)
	}
	for _, name := range []eventtype.Name{"nothing", eventtype.FactorUsed, ""} {
		url, events := "https://app.example.com/", []eventtype.Name{name}
		_, err := w.Webhooks.CreateEndpoint(t.Context(), webhook.EndpointChange{URL: &url, Events: &events})
		w.want(apierr.FormParamValueInvalid, err)
	}
	_, err := w.Webhooks.CreateEndpoint(t.Context(), webhook.EndpointChange{})
	w.want(apierr.FormParamMissing, err)
	url := "https://app.example.com:443/hooks?a=b"
	for i := range 6 {
		_, err := w.Webhooks.CreateEndpoint(t.Context(), webhook.EndpointChange{URL: &url})
		if (err == nil) != (i < 5) {
			t.Errorf("endpoint %d: %v", i+1, err)
		}
	}
	records, _, err := w.counts.List(t.Context(), store.KindSettings, "", 1)
	w.Must(err)
	if strings.Contains(string(records[0].Data), "whsec_") {
		t.Error("the store holds a secret")
	}
}
