package mfa_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/countersign-mfa/countersign/internal/apierr"
	"github.com/countersign-mfa/countersign/internal/mfa"
	"github.com/countersign-mfa/countersign/internal/secret"
	"github.com/countersign-mfa/countersign/internal/totp"
)

// budgetModel is the guess budget in its plainest form: what a reader of docs/design.md would write down.
type budgetModel struct {
	failures int
	until    time.Time // of the wait or lock
	locked   bool
	ledger   []time.Time
	lastStep int64
	unused   map[string]bool
}

// expect is the answer to a guess at a moment.
func (m *budgetModel) refuses(now time.Time) apierr.Code {
	if now.Before(m.until) {
		if m.locked {
			return apierr.UserLocked
		}
		return apierr.TooManyRequests
	}
	recent := 0
	for _, at := range m.ledger {
		if at.After(now.Add(-30 * 24 * time.Hour)) {
			recent++
		}
	}
	if recent >= 20 {
		return apierr.UserLocked
	}
	return ""
}

func (m *budgetModel) fail(now time.Time) {
	m.failures++
	m.ledger = append(m.ledger, now.Truncate(time.Second))
	switch {
	case m.failures >= 10:
		m.until, m.locked = now.Add(time.Hour), true
	case m.failures >= 5:
		m.until, m.locked = now.Add(30*time.Second<<(m.failures-5)), false
	}
}

// TestRandomOperationsFollowTheModel: whatever is done in whatever order, answers are the model's; so nothing is accepted twice and no
// guess is judged outside the budget.
func TestRandomOperationsFollowTheModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p := newWorld(t).member()
		m := &budgetModel{unused: map[string]bool{}}
		for _, c := range p.backup {
			m.unused[c] = true
		}
		check := func(code string) apierr.Code {
			_, err := p.VerifyTOTP(t.Context(), p.id, secret.New(code))
			return codeOf(err)
		}
		expect := func(want, got apierr.Code) {
			if got != want {
				r.Fatalf("answer %q, the model says %q (%d failures, wait until %v, now %v)", got, want, m.failures, m.until, p.now())
			}
		}
		r.Repeat(map[string]func(*rapid.T){
			"right code": func(*rapid.T) {
				want, step := m.refuses(p.now()), p.now().Unix()/int64(totp.Period.Seconds())
				if want == "" && step <= m.lastStep {
					want = apierr.FormCodeIncorrect // a replay: refused, not counted
				}
				expect(want, check(p.app()))
				if want == "" {
					m.lastStep, m.failures = step, 0
				}
			},
			"wrong code": func(*rapid.T) {
				want := m.refuses(p.now())
				if want == "" {
					want = apierr.FormCodeIncorrect
					m.fail(p.now())
				}
				expect(want, check(p.wrong()))
			},
			"malformed code": func(r *rapid.T) {
				want := apierr.FormCodeIncorrect
				expect(want, check(rapid.SampledFrom([]string{"12345", "x", "１２３４５６"}).Draw(r, "code")))
			},
			"backup code": func(r *rapid.T) {
				if len(m.unused) == 0 {
					r.Skip("all are used")
				}
				code := rapid.SampledFrom(p.backup).Draw(r, "code")
				want := m.refuses(p.now())
				fresh := m.unused[code]
				if want == "" && !fresh {
					want = apierr.FormCodeIncorrect
				}
				expect(want, check(code))
				if want == "" {
					delete(m.unused, code)
					m.failures = 0
				}
			},
			"time passes": func(r *rapid.T) {
				p.later(time.Duration(rapid.SampledFrom([]int{1, 29, 30, 31, 60, 480, 3600, 86400}).Draw(r, "seconds")) * time.Second)
			},
			"an administrator unlocks": func(*rapid.T) {
				_, err := p.Unlock(t.Context(), p.id)
				p.must(err)
				m.failures, m.until, m.ledger = 0, time.Time{}, nil
			},
			"": func(*rapid.T) {
				u, err := p.User(t.Context(), p.id)
				p.must(err)
				if left := max(0, 10-m.failures); u.AttemptsLeft() != left {
					r.Fatalf("%d attempts left, the model says %d", u.AttemptsLeft(), left)
				}
				_ = mfa.At(p.now())
			},
		})
	})
}
