package bruteforce

import (
	"net/http"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/test/browser"
)

// answer is the API's answer to a guess, with the wait that it asks for.
type answer struct {
	browser.Answer
	retry time.Duration
}

// compared reports whether the server compared the guess with the secret. Only then is the code
// incorrect.
func (a answer) compared() bool { return a.Is(apierr.FormCodeIncorrect) }

// over reports whether the sign-in or step-up has ended, so that only a new one helps.
func (a answer) over() bool {
	return a.Is(apierr.VerificationFailed, apierr.VerificationExpired, apierr.VerificationMissing,
		apierr.ResourceNotFound, apierr.SessionReverificationMissing)
}

// broken reports whether a guess must not get this answer. A correct guess counts as broken: with
// the seeds in use no guess is correct.
func (a answer) broken() bool {
	return a.Status != http.StatusUnauthorized && !a.compared() && !a.Is(apierr.TooManyRequests,
		apierr.UserLocked, apierr.StrategyForUserInvalid, apierr.VerificationCodeTooManyRequests)
}

// withStatus is an answer without a request.
func withStatus(status int) answer { return answer{Answer: browser.Answer{Status: status}} }
