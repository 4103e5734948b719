package bruteforce

import (
	"net/http"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/test/browser"
)

// answer is the answer to a guess.
type answer struct {
	browser.Answer
	retry time.Duration
}

// judged says whether a guess was compared: only then is a wrong one called wrong.
func (a answer) judged() bool { return a.Is(apierr.FormCodeIncorrect) }

// over says whether only a new sign-in, or step-up, helps.
func (a answer) over() bool {
	return a.Is(apierr.VerificationFailed, apierr.VerificationExpired, apierr.VerificationMissing, apierr.ResourceNotFound, apierr.SessionReverificationMissing)
}

// broken says whether an answer is none that a guess may get. A guess that is right ends the simulation too; by their seeds, those that are tried have none.
func (a answer) broken() bool {
	return a.Status != http.StatusUnauthorized && !a.judged() && !a.Is(apierr.TooManyRequests, apierr.UserLocked, apierr.StrategyForUserInvalid, apierr.VerificationCodeTooManyRequests)
}

// refused is an answer that no request was made for.
func refused(status int) answer { return answer{Answer: browser.Answer{Status: status}} }
