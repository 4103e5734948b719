package siege

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/apierr"
)

type answer struct {
	status  int
	body    []byte
	cookies []*http.Cookie
	retry   time.Duration
}

// text is what is at a path such as "response.id", or "".
func (a answer) text(path string) string {
	var v any
	if json.Unmarshal(a.body, &v) != nil {
		return ""
	}
	for _, name := range strings.Split(path, ".") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	s, _ := v.(string)
	return s
}

// code is that of the first error.
func (a answer) code() string {
	var body struct{ Errors []struct{ Code string } }
	if json.Unmarshal(a.body, &body) != nil || len(body.Errors) == 0 {
		return ""
	}
	return body.Errors[0].Code
}

func (a answer) is(codes ...apierr.Code) bool { return slices.Contains(codes, apierr.Code(a.code())) }

// judged says whether a guess was compared: only then is a wrong one called wrong.
func (a answer) judged() bool { return a.is(apierr.FormCodeIncorrect) }

// over says whether only a new sign-in, or step-up, helps.
func (a answer) over() bool {
	return a.is(apierr.VerificationFailed, apierr.VerificationExpired, apierr.VerificationMissing, apierr.ResourceNotFound, apierr.SessionReverificationMissing)
}

// broken says whether an answer is none that a guess may get. A guess that is right ends the siege too; by their seeds, those that are tried have none.
func (a answer) broken() bool {
	return a.status != http.StatusUnauthorized && !a.judged() && !a.is(apierr.TooManyRequests, apierr.UserLocked, apierr.StrategyForUserInvalid, apierr.VerificationCodeTooManyRequests)
}
