package clerkimport_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/numberplan"
	"github.com/countersign-mfa/countersign/internal/ops/clerkimport"
)

func reserved(i int, number, more string) string {
	return fmt.Sprintf(`{"id":"user_%d","username":"moved%d","phone_numbers":[{"phone_number":%q,"reserved_for_second_factor":true,"verification":{"status":"verified"}}]%s}`, i, i, number, more)
}

// TestADryRunNamesSecondFactorsThatDoNotWork under the settings of the target. It prints the
// country or the line type of a number and no more of it.
func TestADryRunNamesSecondFactorsThatDoNotWork(t *testing.T) {
	const app = `,"totp_secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"`
	fr, us, free := reserved(0, "+33612345678", ""), reserved(1, "+12015550123", ""), reserved(2, "+18002345678", "")
	both := reserved(3, "+12015550124", app)
	for name, c := range map[string]struct {
		settings func(*account.Settings)
		want     clerkimport.Result
		says     []string
		named    int
	}{
		"as a new server is": {func(*account.Settings) {}, clerkimport.Result{Lines: 4, Created: 2, Refused: 2}, []string{
			`line 1 ("user_0") refused: the server refuses phone_number (unsupported_country_code); second factor does not work: sms_countries has no FR`,
			`; second factor does not work: a toll free line receives no text messages`, "second factor does not work: sms_countries has no FR (users: 1)",
		}, 2},
		"country on": {func(s *account.Settings) { s.SMSCountries = []string{"FR", "US"} }, clerkimport.Result{Lines: 4, Created: 3, Refused: 1}, nil, 1},
		"text messages off": {func(s *account.Settings) { s.SMSCode = false }, clerkimport.Result{Lines: 4, Created: 2, Refused: 2}, []string{
			`line 2 ("user_1"): second factor does not work: sms_code is off`,
		}, 3},
		"all off": {func(s *account.Settings) { s.SMSCode, s.AuthenticatorApp = false, false }, clerkimport.Result{Lines: 4, Created: 2, Refused: 2}, []string{
			`line 4 ("user_3"): second factor does not work: authenticator_app is off, sms_code is off`, "sms_code is off (users: 2)",
		}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t)
			_, err := p.app.Service.Settings.Change(t.Context(), c.settings)
			p.Must(err)
			p.lines(fr, us, free, both)
			p.DryRun = true
			p.run(c.want)
			p.prints(c.says...)
			if n := len(regexp.MustCompile(`(?m)^line.* second factor does not work`).FindAllString(p.out.String(), -1)); n != c.named {
				t.Errorf("%d users are named, want %d:\n%s", n, c.named, &p.out)
			}
			if strings.Contains(p.out.String(), "612345678") || strings.Contains(p.out.String(), "2015550") || len(p.users("user_1")) != 0 {
				t.Errorf("a dry run creates users or prints their numbers:\n%s", &p.out)
			}
		})
	}
}

// TestADryRunWithoutTheServer: a dry run that cannot reach the target uses the settings of a new
// server, and prints that.
func TestADryRunWithoutTheServer(t *testing.T) {
	p := open(t)
	p.lines(reserved(0, "+12015550123", ""), reserved(1, "+33612345678", ""))
	p.DryRun = true
	p.intercept = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	p.run(clerkimport.Result{Lines: 2, Created: 1, Refused: 1})
	p.prints("cannot read the settings of "+p.URL+" (the server answers 503); using those of a new server", "sms_countries has no FR")
}

// TestAddedRangesAreReadByAnImport: with the added ranges of the target a dry run creates what the
// import creates, and [clerkimport.CreateWithout] leaves out no number that the target takes.
func TestAddedRangesAreReadByAnImport(t *testing.T) {
	added, err := numberplan.Extend("+4410xxxxxxxx GB mobile")
	if err != nil {
		t.Fatal(err)
	}
	numbers := []string{reserved(0, "+441012345678", "")}
	for name, c := range map[string]struct {
		plans   *numberplan.Plan
		dry     bool
		missing clerkimport.Missing
		want    clerkimport.Result
		factors int
	}{
		"a dry run":                      {added, true, clerkimport.RefuseMissing, clerkimport.Result{Lines: 1, Created: 1}, 0},
		"a dry run without them":         {nil, true, clerkimport.RefuseMissing, clerkimport.Result{Lines: 1, Refused: 1}, 0},
		"an import":                      {added, false, clerkimport.RefuseMissing, clerkimport.Result{Lines: 1, Created: 1}, 1},
		"an incomplete import":           {added, false, clerkimport.CreateWithout, clerkimport.Result{Lines: 1, Created: 1}, 1},
		"an incomplete one without them": {nil, false, clerkimport.CreateWithout, clerkimport.Result{Lines: 1, Created: 1}, 0},
		"a dry run of an incomplete one": {added, true, clerkimport.CreateWithout, clerkimport.Result{Lines: 1, Created: 1}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t, added)
			_, err := p.app.Service.Settings.Change(t.Context(), func(s *account.Settings) { s.SMSCountries = []string{"GB"} })
			p.Must(err)
			p.lines(numbers...)
			p.Numbers, p.DryRun, p.Missing = c.plans, c.dry, c.missing
			p.run(c.want)
			factors := 0
			for _, u := range p.users("user_0") {
				factors += len(u.Phones)
			}
			if factors != c.factors {
				t.Errorf("%d numbers, want %d:\n%s", factors, c.factors, &p.out)
			}
		})
	}
}
