package clerkimport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/numberplan"
)

// settings are those of the target that say which second factors can be proved.
type settings struct {
	SMSCode          bool     `json:"sms_code"`
	AuthenticatorApp bool     `json:"authenticator_app"`
	BackupCodes      bool     `json:"backup_codes"`
	SMSCountries     []string `json:"sms_countries"`
}

// apply makes them those of another instance.
func (s settings) apply(to *account.Settings) {
	to.SMSCode, to.AuthenticatorApp, to.BackupCodes, to.SMSCountries = s.SMSCode, s.AuthenticatorApp, s.BackupCodes, s.SMSCountries
}

// settings asks the server for its settings.
func (s *server) settings(ctx context.Context) (settings, error) {
	res, err := s.ask(ctx, http.MethodGet, "/v1/instance", nil)
	if err != nil {
		return settings{}, err
	}
	found := settings{}
	if res.status != http.StatusOK {
		code, _ := res.code()
		return settings{}, fmt.Errorf("it answers %s", strings.TrimSpace(fmt.Sprint(res.status, " ", code)))
	}
	if err := json.Unmarshal(res.body, &found); err != nil || found.SMSCountries == nil {
		return settings{}, errors.New("its answer to GET /v1/instance holds no settings")
	}
	return found, nil
}

// blocked are the second factors of a person that could not be proved under the settings: the reason for each, in words that are the same for every
// user. all says that they are all that the person has.
func (s settings) blocked(p *person) (reasons []string, all bool) {
	factors := 0
	for i, number := range p.body.Phones {
		if p.body.PhoneStatus[i] != statusReserved {
			continue
		}
		factors++
		if why := s.unreached(number); why != "" {
			reasons = append(reasons, why)
		}
	}
	if p.body.TOTPSecret != "" {
		factors++
		if !s.AuthenticatorApp {
			reasons = append(reasons, "authenticator_app is off")
		}
	}
	return reasons, factors > 0 && len(reasons) == factors
}

// unreached says why no code reaches a number, or nothing. A text that is no number is refused elsewhere.
func (s settings) unreached(number string) string {
	n, err := numberplan.Parse(number)
	switch {
	case err != nil:
		return ""
	case !slices.Contains(s.SMSCountries, n.Country()):
		return fmt.Sprintf("sms_countries has no %s", n.Country())
	case !n.TextAllowed():
		return fmt.Sprintf("a %s line gets no texts", n.Line())
	case !s.SMSCode:
		return "sms_code is off"
	}
	return ""
}

// warn names a user of a dry run whose second factors could not be proved, whether the user would be created or is refused for it.
func (r *run) warn(s source, p *person, refused bool) {
	reasons, all := r.settings.blocked(p)
	if !all && (!refused || len(reasons) == 0) {
		return
	}
	slices.Sort(reasons)
	reasons = slices.Compact(reasons)
	for _, why := range reasons {
		r.blocked[why]++
	}
	_, _ = fmt.Fprintf(r.Out, "line %d%s: a second factor could not be proved: %s\n", r.Lines, s.name(), strings.Join(reasons, ", "))
}

// sumUp prints how many users [run.warn] named, by reason.
func (r *run) sumUp() {
	for _, why := range slices.Sorted(maps.Keys(r.blocked)) {
		_, _ = fmt.Fprintf(r.Out, "second factors that could not be proved, of %d: %s\n", r.blocked[why], why)
	}
}
