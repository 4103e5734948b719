package api_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/deliverylog"
	"github.com/countersign-mfa/countersign/internal/domain/webhook"
	"github.com/countersign-mfa/countersign/internal/store"
)

// typesOf returns the types of the events or deliveries of an answer, in order.
func typesOf(a *answer) []string {
	out := []string{}
	list, _ := a.at("data").([]any)
	for _, one := range list {
		out = append(out, one.(map[string]any)["type"].(string))
	}
	return out
}

// TestEventsAreFiltered: events are found by type, user and time, also in pages, and of a user who
// is deleted.
func TestEventsAreFiltered(t *testing.T) {
	w := newWorld(t)
	one, other := w.user(), w.user()
	began := w.Now()
	w.Advance(time.Minute)
	for range 3 {
		w.backend("POST", "/v1/users/"+one+"/lock", "").ok()
		w.backend("POST", "/v1/users/"+other+"/lock", "").ok()
		w.backend("POST", "/v1/users/"+one+"/unlock", "").ok()
		w.Advance(time.Minute)
	}
	w.backend("DELETE", "/v1/users/"+one, "").ok()
	second := func(at time.Time) string { return fmt.Sprint(at.UnixMilli()) }
	for name, tc := range map[string]struct {
		query string
		want  []string
	}{
		"a type":             {"type=user.deleted", []string{"user.deleted"}},
		"two types":          {"type=user.deleted&type=user.unlocked", []string{"user.deleted", "user.unlocked", "user.unlocked", "user.unlocked"}},
		"a user":             {"user_id=" + other, []string{"user.locked", "user.locked", "user.locked", "user.created"}},
		"a deleted user":     {"user_id=" + one + "&type=user.locked&type=user.deleted", []string{"user.deleted", "user.locked", "user.locked", "user.locked"}},
		"a period":           {"type=user.locked&created_at_after=" + second(began.Add(90*time.Second)) + "&created_at_before=" + second(began.Add(150*time.Second)), []string{"user.locked", "user.locked"}},
		"bounds are outside": {"type=user.locked&created_at_after=" + second(began.Add(time.Minute)) + "&created_at_before=" + second(began.Add(3*time.Minute)), []string{"user.locked", "user.locked"}},
		"all together":       {"type=user.locked&user_id=" + one + "&created_at_after=" + second(began.Add(150*time.Second)), []string{"user.locked"}},
		"nothing":            {"user_id=user_aaaaaaaaaaaaaaaaaaaaaaaaaa", []string{}},
		"before all":         {"created_at_before=1", []string{}},
		"after all":          {"created_at_after=" + second(w.Now().Add(time.Hour)), []string{}},
	} {
		all := w.backend("GET", "/v1/events?limit=500&"+tc.query, "").ok()
		if got := typesOf(all); !slices.Equal(got, tc.want) || all.at("has_more") != false || all.at("next") != nil {
			t.Errorf("%s: %v, want %v: %s", name, got, tc.want, all.body)
		}
		var paged []string
		for next := ""; ; {
			page := w.backend("GET", "/v1/events?limit=1&"+tc.query+next, "").ok()
			paged = append(paged, typesOf(page)...)
			if page.at("has_more") == false {
				break
			}
			next = "&before=" + page.text("next")
		}
		if !slices.Equal(paged, tc.want) && len(paged)+len(tc.want) > 0 {
			t.Errorf("%s in pages of one: %v, want %v", name, paged, tc.want)
		}
	}
	for query, code := range map[string]string{
		"type=nothing.such": "form_param_value_invalid", "user_id=ada": "form_param_value_invalid", "created_at_after=-1": "form_param_value_invalid",
		"created_at_before=0": "form_param_value_invalid", "created_at_after=yesterday": "form_param_type_invalid", "before=evt_x": "form_param_value_invalid",
	} {
		w.backend("GET", "/v1/events?"+query, "").want(422, code)
	}
}

// TestMessagesOfAPeriod: the message log is narrowed to a period.
func TestMessagesOfAPeriod(t *testing.T) {
	w := newWorld(t)
	w.owner("+12065550188")
	n := func(query string) any { return w.backend("GET", "/v1/sms_messages"+query, "").ok().at("total_count") }
	if n("") == 0.0 {
		t.Fatal("no message was sent")
	}
	hour := func(by time.Duration) string { return fmt.Sprint(w.Now().Add(by).UnixMilli()) }
	for query, want := range map[string]bool{
		"?created_at_after=" + hour(-time.Hour): true, "?created_at_after=" + hour(time.Hour): false, "?before=" + hour(-time.Hour): false,
		"?created_at_after=" + hour(-time.Hour) + "&before=" + hour(time.Hour): true, "?created_at_after=0": true,
	} {
		if got := n(query) != 0.0; got != want {
			t.Errorf("%s has messages: %v", query, got)
		}
	}
	w.backend("GET", "/v1/sms_messages?created_at_after=-1", "").want(422, "form_param_value_invalid")
}

// silence is a sender to endpoints that do not answer.
type silence struct{}

func (silence) Deliver(context.Context, webhook.Delivery) (webhook.Answer, error) {
	return webhook.Answer{Problem: deliverylog.Timeout}, errors.New("no answer in time")
}

// TestDeliveriesOfAnEndpoint: the log of an endpoint shows the result of each try, and one event is
// sent again.
func TestDeliveriesOfAnEndpoint(t *testing.T) {
	w := newWorld(t)
	id := w.backend("POST", "/v1/webhook_endpoints", `{"url":"https://app.example.com/hooks","events":["user.locked"]}`).ok().text("id")
	at := "/v1/webhook_endpoints/" + id
	if list := w.backend("GET", at+"/deliveries", "").ok(); list.at("total_count") != 0.0 {
		t.Errorf("before any try: %s", list.body)
	}
	w.backend("POST", "/v1/users/"+w.user()+"/lock", "").ok()
	worker := &webhook.Dispatcher{Service: w.Service.Webhooks, Endpoints: silence{}, Describe: wire.EventBody}
	_, err := worker.Run(t.Context(), 10)
	w.Must(err)
	list := w.backend("GET", at+"/deliveries", "").ok()
	event := list.text("data.0.event_id")
	if !strings.HasPrefix(event, "evt_") || list.text("data.0.type") != "user.locked" || list.text("data.0.status") != "failed" || list.at("data.0.attempt") != 1.0 ||
		list.at("data.0.http_status") != nil || list.at("data.0.reason") != "timeout" || list.at("data.0.next_attempt_at") != float64(w.Now().Add(5*time.Second).UnixMilli()) {
		t.Errorf("the failed try: %s", list.body)
	}
	if again := w.backend("POST", at+"/replay", `{"event_id":"`+event+`"}`).ok(); again.at("count") != 1.0 {
		t.Errorf("again: %s", again.body)
	}
	_, err = worker.Run(t.Context(), 10)
	w.Must(err)
	if list := w.backend("GET", at+"/deliveries", "").ok(); list.at("total_count") != 2.0 || list.at("data.1.next_attempt_at") != nil {
		t.Errorf("after the second try: %s", list.body)
	}
	for body, code := range map[string]string{
		`{}`: "form_param_missing", `{"event_id":""}`: "form_param_format_invalid", `{"event_id":"evt_x"}`: "form_param_format_invalid",
		`{"event_id":"` + event + `","since":0}`: "form_param_value_invalid", `{"event_id":"` + event + `","until":5}`: "form_param_value_invalid",
		`{"until":5}`: "form_param_missing", `{"since":-1}`: "form_param_value_invalid",
	} {
		w.backend("POST", at+"/replay", body).want(422, code)
	}
	w.backend("POST", at+"/replay", `{"event_id":"evt_`+strings.Repeat("0", 26)+`"}`).want(404, "resource_not_found")
	w.backend("GET", "/v1/webhook_endpoints/ep_aaaaaaaaaaaaaaaaaaaaaaaaaa/deliveries", "").want(404, "resource_not_found")
	w.backend("DELETE", at, "").ok()
	if left, _, err := w.memory.List(t.Context(), store.KindAttempts, "", 10); err != nil || len(left) != 0 {
		t.Errorf("%d logs are left, %v", len(left), err)
	}
}
