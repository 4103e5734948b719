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

// settings are the settings of an instance that decide which second factors work.
type settings struct {
	SMSCode          bool     `json:"sms_code"`
	AuthenticatorApp bool     `json:"authenticator_app"`
	BackupCodes      bool     `json:"backup_codes"`
	SMSCountries     []string `json:"sms_countries"`
}

// rules decide which numbers the server accepts and which of them get text messages.
type rules struct {
	settings
	numbers *numberplan.Plan
}

// apply copies s to the settings of another instance.
func (s settings) apply(to *account.Settings) {
	to.SMSCode, to.AuthenticatorApp, to.BackupCodes, to.SMSCountries = s.SMSCode, s.AuthenticatorApp, s.BackupCodes, s.SMSCountries
}

// settings reads the server's settings from GET /v1/instance.
func (s *server) settings(ctx context.Context) (settings, error) {
	res, err := s.ask(ctx, http.MethodGet, "/v1/instance", nil)
	if err != nil {
		return settings{}, err
	}
	found := settings{}
	if res.status != http.StatusOK {
		code, _ := res.code()
		return settings{}, fmt.Errorf("the server answers %s", strings.TrimSpace(fmt.Sprint(res.status, " ", code)))
	}
	if err := json.Unmarshal(res.body, &found); err != nil || found.SMSCountries == nil {
		return settings{}, errors.New("the answer to GET /v1/instance holds no settings")
	}
	return found, nil
}

func (r *run) rules() rules { return rules{r.settings, r.Numbers} }

// blocked returns the reason for each second factor of a user that does not work under the rules.
// The reasons name no user. all reports whether the user has no second factor that works.
func (s rules) blocked(p *person) (reasons []string, all bool) {
	factors := 0
	for i, number := range p.body.Phones {
		if p.body.PhoneStatus[i] != statusReserved {
			continue
		}
		factors++
		if why := s.unreachable(number); why != "" {
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

// unreachable returns the reason why no code can be sent to a number, or "". It returns "" for a
// malformed number too, which the server refuses.
func (s rules) unreachable(number string) string {
	n, err := s.numbers.Parse(number, "")
	switch {
	case err != nil:
		return ""
	case !slices.Contains(s.SMSCountries, n.Country()):
		return fmt.Sprintf("sms_countries has no %s", n.Country())
	case !n.TextAllowed():
		return fmt.Sprintf("a %s line receives no text messages", n.Line())
	case !s.SMSCode:
		return "sms_code is off"
	}
	return ""
}

// leaveNumbers leaves out the numbers that the server would refuse, and makes second factors that
// get no text messages plain numbers, so that one number does not refuse its user. It returns a
// [refusal] for a user without another identifier.
func (p *person) leaveNumbers(s rules) error {
	numbers, status := p.body.Phones, p.body.PhoneStatus
	p.body.Phones, p.body.PhoneStatus = nil, nil
	for i, number := range numbers {
		if _, err := s.numbers.Parse(number, ""); err != nil {
			p.leave(leftNumber)
			continue
		}
		if status[i] == statusReserved && s.unreachable(number) != "" {
			status[i] = statusVerified
			p.leave(leftFactor)
		}
		p.body.Phones, p.body.PhoneStatus = append(p.body.Phones, number), append(p.body.PhoneStatus, status[i])
	}
	if len(p.names()) == 0 || len(p.body.Emails)+len(p.body.Phones) == 0 && p.body.Username == "" {
		return refusal("no verified e-mail address, verified phone number or username")
	}
	return nil
}

// reportBlocked prints the user of a dry run when no second factor works. It adds the reasons to a
// refusal by the server, and returns other errors unchanged.
func (r *run) reportBlocked(e *entry, err error) error {
	var why refusal
	refused := errors.As(err, &why)
	reasons, all := r.rules().blocked(e.person)
	if len(reasons) == 0 || !all && !refused {
		return err
	}
	slices.Sort(reasons)
	reasons = slices.Compact(reasons)
	for _, why := range reasons {
		r.blocked[why]++
	}
	text := "second factor does not work: " + strings.Join(reasons, ", ")
	if refused {
		return why + refusal("; "+text)
	}
	_, _ = fmt.Fprintf(r.Out, "line %d%s: %s\n", e.number, e.source.name(), text)
	return err
}

// summarizeBlocked prints how many users [run.reportBlocked] named, by reason.
func (r *run) summarizeBlocked() {
	for _, why := range slices.Sorted(maps.Keys(r.blocked)) {
		_, _ = fmt.Fprintf(r.Out, "second factor does not work: %s (users: %d)\n", why, r.blocked[why])
	}
}
