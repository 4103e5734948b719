package api_test

import "testing"

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
	for days, code := range map[string]string{"0": "form_param_value_invalid", "91": "form_param_value_invalid", "-1": "form_param_value_invalid", "many": "form_param_type_invalid"} {
		w.backend("GET", "/v1/statistics?days="+days, "").want(422, code)
	}
}
