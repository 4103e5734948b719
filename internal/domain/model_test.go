package domain_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// failureCount is the simplest count of consecutive failures.
type failureCount struct {
	failures int
	until    time.Time // of the wait or lock
	locked   bool
}

func (l *failureCount) fail(now time.Time, p account.Policy) {
	l.failures++
	switch {
	case l.failures >= p.LockFailures:
		l.until, l.locked = now.Add(p.LockTime), true
	case l.failures >= p.FreeFailures:
		l.until, l.locked = now.Add(p.FirstWait<<(l.failures-p.FreeFailures)), false
	}
}

// policyModel is the guess policy in its simplest form, as a reader of
// docs/security/guess-policy.md would write it.
type policyModel struct {
	account.Policy
	all, known failureCount
	failureLog []time.Time
	lastStep   int64
	unused     map[string]bool
}

func (m *policyModel) recent(now time.Time) (n int) {
	for _, at := range m.failureLog {
		if at.After(now.Add(-m.FailureWindow)) {
			n++
		}
	}
	return n
}

// refuses returns the error code of a guess that is not verified, or "".
func (m *policyModel) refuses(now time.Time, known bool) apierr.Code {
	l, limit := m.all, m.UnknownDeviceFailures
	if known {
		l, limit = m.known, m.KnownDeviceFailures
	}
	switch {
	case now.Before(l.until) && l.locked, m.recent(now) >= limit:
		return apierr.UserLocked
	case now.Before(l.until):
		return apierr.TooManyRequests
	}
	return ""
}

func (m *policyModel) fail(now time.Time, known bool) {
	m.failureLog = append(m.failureLog, now.Add(time.Second-1).Truncate(time.Second))
	m.all.fail(now, m.Policy)
	if known {
		m.known.fail(now, m.Policy)
	}
}

func (m *policyModel) clear() { m.all, m.known = failureCount{}, failureCount{} }

func (m *policyModel) left(now time.Time) int {
	return max(0, min(m.LockFailures-max(m.all.failures, m.known.failures), m.UnknownDeviceFailures-m.recent(now)))
}

// seeded is randomness that repeats for a seed, so that a failing history can be repeated and
// shrunk. A read depends on its length and on how many reads of that length came before. So the
// single bytes that package crypto may or may not read change no other read.
type seeded struct {
	mu    sync.Mutex
	seed  uint64
	reads map[int]uint64
}

func newSeeded(seed uint64) *seeded { return &seeded{seed: seed, reads: map[int]uint64{}} }

func (s *seeded) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var key [32]byte
	for i, v := range []uint64{s.seed, uint64(len(p)), s.reads[len(p)]} {
		binary.BigEndian.PutUint64(key[8*i:], v)
	}
	s.reads[len(p)]++
	return rand.NewChaCha8(key).Read(p)
}

// TestSeededRandomnessRepeats: two worlds of one seed make the same ids, codes and secrets; worlds
// of two seeds do not.
func TestSeededRandomnessRepeats(t *testing.T) {
	made := func(seed uint64) string {
		p := newWorldOf(t, newSeeded(seed)).member()
		return fmt.Sprint(p.id, p.phone, p.backup, p.key.Reveal(), p.signIn)
	}
	if one := made(1); one != made(1) || one == made(2) {
		t.Error("the histories of one seed differ, or those of two do not")
	}
}

// guessedUser is a user with the model of the user's failures, and the two kinds of browsers that
// guess. The Backend API counts as an unknown device.
type guessedUser struct {
	*rapid.T
	*person
	*policyModel
}

// guess makes a guess as one kind of device.
func (b *guessedUser) guess(known bool, code string) apierr.Code {
	if !known {
		_, err := b.Admin.VerifyTOTP(b.Context(), b.id, secret.New(code))
		return codeOf(err)
	}
	by := account.TOTPCode
	if len(code) != totp.Digits {
		by = account.BackupCode
	}
	b.signOut()
	b.signInWithTicket() // each guess has its own sign-in, so the limit of five does not apply
	return codeOf(b.secondFactor(by, code))
}

func (b *guessedUser) expect(want, got apierr.Code) {
	if got != want {
		b.T.Fatalf("answer %q, the model says %q (all %+v, known %+v, %d in the failure log, now %v)", got, want, b.all, b.known, b.recent(b.Now()), b.Now())
	}
}

func (b *guessedUser) actions() map[string]func(*rapid.T) {
	known := rapid.Bool()
	return map[string]func(*rapid.T){
		"right code": func(r *rapid.T) {
			known := known.Draw(r, "known")
			want, step := b.refuses(b.Now(), known), b.Now().Unix()/int64(totp.Period.Seconds())
			if want == "" && step <= b.lastStep {
				want = apierr.FormCodeIncorrect // a replay: refused, not counted
			}
			b.expect(want, b.guess(known, b.totpCode()))
			if want == "" {
				b.lastStep = step
				b.clear()
			}
		},
		"wrong code": func(r *rapid.T) {
			known := known.Draw(r, "known")
			want := b.refuses(b.Now(), known)
			if want == "" {
				want = apierr.FormCodeIncorrect
				b.fail(b.Now(), known)
			}
			b.expect(want, b.guess(known, b.wrong()))
		},
		"malformed code": func(r *rapid.T) {
			b.expect(apierr.FormCodeIncorrect, b.guess(false, rapid.SampledFrom([]string{"12345", "x", "①２３４５６"}).Draw(r, "code")))
		},
		"backup code": func(r *rapid.T) {
			if len(b.unused) == 0 {
				r.Skip("all are used")
			}
			known, code := known.Draw(r, "known"), rapid.SampledFrom(b.backup).Draw(r, "code")
			want := b.refuses(b.Now(), known)
			fresh := b.unused[code]
			if want == "" && !fresh {
				want = apierr.FormCodeIncorrect
			}
			b.expect(want, b.guess(known, code))
			if want == "" {
				delete(b.unused, code)
				b.clear()
			}
		},
		"time passes": func(r *rapid.T) {
			b.Advance(time.Duration(rapid.SampledFrom([]int{1, 29_000, 30_000, 31_500, 60_000, 480_000, 3_600_000, 86_400_000, 864_000_000}).Draw(r, "milliseconds")) * time.Millisecond)
		},
		"an administrator unlocks": func(r *rapid.T) {
			if rapid.IntRange(0, 4).Draw(r, "sometimes") != 0 {
				r.Skip("not now")
			}
			_, err := b.Admin.Unlock(b.Context(), b.id)
			b.Must(err)
			b.clear()
			b.failureLog = nil
		},
		"": func(*rapid.T) {
			u, err := b.Admin.User(b.Context(), b.id)
			b.Must(err)
			if left := b.left(b.Now()); u.AttemptsLeft(account.At(b.Now())) != left {
				b.T.Fatalf("%d attempts left, the model says %d", u.AttemptsLeft(account.At(b.Now())), left)
			}
			if locked := b.refuses(b.Now(), false) == apierr.UserLocked || b.refuses(b.Now(), true) == apierr.UserLocked; locked != (u.LockEnd(account.At(b.Now())) != 0) {
				b.T.Fatalf("shown as locked: %v, the model says %v", !locked, locked)
			}
		},
	}
}

// TestRandomOperationsFollowTheModel: after any operations in any order the answers are the
// model's. So nothing is accepted twice, and no guess is verified beyond the policy.
func TestRandomOperationsFollowTheModel(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs thousands of operations")
	}
	for name, policy := range map[string]account.Policy{"default": account.DefaultPolicy(), "strict": account.StrictPolicy()} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				p := newWorldOf(t, newSeeded(rapid.Uint64().Draw(r, "seed"))).member()
				_, err := p.Settings.Change(t.Context(), func(s *account.Settings) { s.StrictGuessing = policy.Name == "strict" })
				p.Must(err)
				b := &guessedUser{r, p, &policyModel{Policy: policy, unused: map[string]bool{}}}
				for _, c := range p.backup {
					b.unused[c] = true
				}
				r.Repeat(b.actions())
			})
		})
	}
}
