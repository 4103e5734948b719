package domain

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/backupcode"
	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// figure formats a duration as the pages do.
func figure(d time.Duration) string {
	switch {
	case d%(24*time.Hour) == 0:
		return fmt.Sprint(int64(d/(24*time.Hour)), " d")
	case d%time.Hour == 0:
		return fmt.Sprint(int64(d/time.Hour), " h")
	case d%time.Minute == 0:
		return fmt.Sprint(int64(d/time.Minute), " min")
	}
	return fmt.Sprint(int64(d/time.Second), " s")
}

// figureTables are the tables of docs whose figures are the code's, by the heading that they stand
// under.
var figureTables = map[string]string{
	"security/threat-model.md": "Decisions",
	"security/guess-policy.md": "Limits per address",
	"develop/sms.md":           "Limits",
}

// figureRows are the names and figures of a page's table.
func figureRows(t *testing.T, file, heading string) [][]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/" + file)
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	rows := regexp.MustCompile(`(?m)^\| ([^|]+) \| ([^|]+) \| [^|]+ \| [^|]+ \|$`).FindAllStringSubmatch(section, -1)
	if len(rows) < 2 || rows[0][2] != "figure" {
		t.Fatalf("%s has no table of figures under %q", file, heading)
	}
	return rows[1:]
}

// TestThePagesHaveTheFigures: each figure in the pages is that of the code, and stands in one page
// only.
func TestThePagesHaveTheFigures(t *testing.T) {
	seed, err := totp.Generate(zeros{})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := totp.Bytes(seed)
	if err != nil {
		t.Fatal(err)
	}
	p := account.DefaultPolicy()
	want := map[string]string{
		"digits of a code": fmt.Sprint(totp.Digits), "an SMS code lives": figure(account.CodeLife), "an authenticator's step": figure(totp.Period),
		"steps accepted before and after": fmt.Sprint(p.TOTP.Past), "a step is accepted": "once", "bits of an authenticator secret": fmt.Sprint(8 * len(raw.Reveal())), "backup codes": fmt.Sprint(backupcode.Count), "bits of a backup code": "50",
		"tries from one address in 10 s": fmt.Sprint(tx.AttemptLimits[0].Limit), "tries from one address in a day": fmt.Sprint(tx.AttemptLimits[len(tx.AttemptLimits)-1].Limit),
		"SMS from an address in a day": fmt.Sprint(tx.SendLimits[len(tx.SendLimits)-1].Limit),
		"between two SMS to a number":  figure(account.ResendAfter), "SMS to a number in a day, over all users": fmt.Sprint(sms.PerNumberRules[len(sms.PerNumberRules)-1].Limit),
		"SMS of a user in a day": fmt.Sprint(sms.PerUserRules[len(sms.PerUserRules)-1].Limit), "numbers that a user tries in a day": fmt.Sprint(sms.NewNumberRules[0].Limit), "unverified numbers of a user": fmt.Sprint(sms.UnverifiedPerUser),
		"wrong codes that verify a number in 30 days, over all users":                     fmt.Sprint(mfa.WrongNumberCodeRules[0].Limit),
		fmt.Sprintf("unverified SMS to a block (%d digits) in an hour", sms.PrefixDigits): fmt.Sprint(account.DefaultUnverified.Block), "numbers that an address texts in an hour": fmt.Sprint(sms.NumberLimits[0].Limit),
		"unverified SMS to a country, and in all, in an hour": fmt.Sprint(max(account.DefaultUnverified.Country, account.DefaultUnverified.Instance)), "dollars in a day, unless set otherwise": fmt.Sprint(int64(account.DefaultDailyCap / smsprice.Dollar)),
		"a factor may be changed after a proof for": figure(authority.FreshFor), "a session lives at most": figure(account.SessionLife), "a ticket lives": figure(mfa.TicketLife), "a sign-in in progress lives": figure(account.SignInLife),
		"a client without a sign-in lives": figure(account.AnonymousLife), "clients that an address makes in a day": fmt.Sprint(tx.ClientLimits[0].Limit),
		"handshakes without a session, of an address in a day": fmt.Sprint(tx.HandshakeLimits[1].Limit), "bytes of an identifier": fmt.Sprint(account.IdentifierLength),
		"e-mail addresses of a user, and numbers": fmt.Sprint(max(account.EmailsPerUser, account.PhonesPerUser)),
		"a handshake's nonce lives":               figure(account.NonceLife), "bits of a client token": fmt.Sprint(8 * tx.TokenSecret), "a signing key signs for": figure(sessiontoken.KeyLife),
	}
	for file, heading := range figureTables {
		for _, row := range figureRows(t, file, heading) {
			if got, known := want[row[1]]; !known || got != row[2] {
				t.Errorf("%s, %s: the page says %q, the code %q", file, row[1], row[2], got)
			}
			delete(want, row[1])
		}
	}
	for name := range want {
		t.Errorf("no page speaks of %q", name)
	}
}

// zeros is a reader of zero bytes.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
