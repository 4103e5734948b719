package local_test

import "testing"

// TestThePhonePageReadsTheState: the development page shows which faults are active, and the
// settings, also after another page changed them.
func TestThePhonePageReadsTheState(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.close()
	faults := func(sms, store bool) {
		t.Helper()
		if got := s.ok("GET", "/dev/faults", ""); got["sms"] != sms || got["store"] != store {
			t.Errorf("the faults are %v, want sms %v, store %v", got, sms, store)
		}
	}
	faults(false, false)
	s.ok("POST", "/dev/faults", `{"sms":true}`)
	faults(true, false)
	s.ok("POST", "/dev/faults", `{}`)
	faults(false, false)
	s.ok("PATCH", "/dev/instance", `{"mfa_required":true}`)
	if got := s.ok("GET", "/dev/instance", ""); got["mfa_required"] != true {
		t.Errorf("the settings are %v", got)
	}
}
