package api_test

import (
	"fmt"
	"testing"
	"time"
)

func TestStatistics(t *testing.T) {
	w := newWorld(t)
	w.backend("POST", "/v1/users/"+w.user()+"/lock", "").ok()
	w.Must(w.Service.Admin.CountJournal(t.Context(), w.memory)) // as the worker does within a minute
	got := w.backend("GET", "/v1/statistics?days=7", "").ok()
	days, _ := got.at("days").([]any)
	if len(days) != 7 || days[6] != w.Now().UTC().Format("2006-01-02") {
		t.Errorf("days %v of %s", days, got.body)
	}
	if got.at("failures.0.name") != "user.locked" || got.at("failures.0.counts.6") != 1.0 || got.at("failures.0.total") != 1.0 {
		t.Errorf("failures: %s", got.body)
	}
	if list, ok := w.backend("GET", "/v1/statistics", "").ok().at("days").([]any); !ok || len(list) != 30 {
		t.Errorf("%d days by default", len(list))
	}
	yesterday := w.Now().UTC().AddDate(0, 0, -1)
	before := w.backend("GET", fmt.Sprintf("/v1/statistics?days=2&until=%d", yesterday.UnixMilli()), "").ok()
	if last := before.at("days.1"); last != yesterday.Format(time.DateOnly) || before.at("failures.0") != nil {
		t.Errorf("the days until yesterday end on %v: %s", last, before.body)
	}
	if again := w.backend("GET", fmt.Sprintf("/v1/statistics?days=2&until=%d", w.Now().UnixMilli()), "").ok(); again.at("failures.0.counts.1") != 1.0 {
		t.Errorf("the days until now: %s", again.body)
	}
	for until, code := range map[string]string{"-1": "form_param_value_invalid", "253402300800000": "form_param_value_invalid", "today": "form_param_type_invalid"} {
		w.backend("GET", "/v1/statistics?until="+until, "").want(422, code)
	}
	for days, code := range map[string]string{"0": "form_param_value_invalid", "91": "form_param_value_invalid", "-1": "form_param_value_invalid", "many": "form_param_type_invalid"} {
		w.backend("GET", "/v1/statistics?days="+days, "").want(422, code)
	}
}
