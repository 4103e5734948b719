package lincheck

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// storeFaults are faults of the n-th call of a method.
var storeFaults = map[string]func(int) store.Fault{
	"the read fails": store.FailGet, "the read takes too long": store.SlowGet,
	"the commit fails": store.FailCommit, "the commit's answer is lost": store.LoseCommit, "the commit takes too long": store.SlowCommit,
	"the commit meets a conflict": store.ConflictCommit,
}

// TestEveryCallOfTheStoreFails: each call of each journey fails in turn, in each way. The error is
// not a refusal, nothing is half done, no guess is counted, and a retry succeeds.
func TestEveryCallOfTheStoreFails(t *testing.T) {
	memory := Memory(t)
	for _, j := range journeys {
		t.Run(j.name, func(t *testing.T) {
			for kind, fault := range storeFaults {
				if testing.Short() && kind != "the commit's answer is lost" {
					continue
				}
				n := 1
				for ; failsOnce(t, memory(t), j, kind, n, fault(n)); n++ {
				}
				if n < 2 {
					t.Errorf("%s: no call was there to fail", kind)
				}
			}
		})
	}
}

// failsOnce runs a journey with one fault, and says whether the fault happened.
func failsOnce(t *testing.T, s store.Store, j journey, kind string, n int, fault store.Fault) bool {
	t.Helper()
	w, err := newWorld(t.Context(), s, uint64(n))
	if err != nil {
		t.Fatal(err)
	}
	h := newJourneyUser(t, w, j.factors)
	w.faults.Inject(fault)
	ctx := t.Context()
	err = j.run(ctx, h)
	if w.faults.Pending() > 0 {
		if err != nil {
			t.Fatalf("without a fault: %v", err)
		}
		return false
	}
	if conflict := kind == "the commit meets a conflict"; conflict && err != nil || !conflict && err != nil && kindOf(err) != Unknown {
		t.Errorf("%s, call %d: answered %v", kind, n, err)
	}
	if err := Invariants(ctx, s, w.Ring); err != nil {
		t.Errorf("%s, call %d: %v", kind, n, err)
	}
	if err != nil {
		err = retry(ctx, j, h)
	} else {
		err = j.goal(ctx, h)
	}
	if err := errors.Join(err, costsNoGuess(ctx, h), Invariants(ctx, s, w.Ring)); err != nil {
		t.Errorf("%s, call %d, and then again: %v", kind, n, err)
	}
	return true
}

// stride is the distance between the tested moments: a short run skips some.
func stride() int {
	if testing.Short() {
		return 5
	}
	return 1
}

// TestEveryTextFails: the network refuses a message, loses its answer, or loses the message. No
// request sends two messages, and a new request succeeds.
func TestEveryTextFails(t *testing.T) {
	memory := Memory(t)
	down := errors.New("network down")
	for kind, answer := range map[string]struct {
		arrives bool
		err     error
	}{"refused": {false, down}, "sent, but the answer is lost": {true, down}, "accepted and never delivered": {false, nil}} {
		for _, j := range journeys {
			for n := 1; textFails(t, memory(t), j, kind, n, answer.arrives, answer.err); n++ {
			}
		}
	}
}

// textFails runs a journey whose n-th message fails, and says whether there was one.
func textFails(t *testing.T, s store.Store, j journey, kind string, n int, arrives bool, fault error) bool {
	t.Helper()
	w, err := newWorld(t.Context(), s, uint64(n))
	if err != nil {
		t.Fatal(err)
	}
	h := newJourneyUser(t, w, j.factors)
	texts := 0
	w.network = func() (bool, error) {
		if texts++; texts == n {
			return arrives, fault
		}
		return true, nil
	}
	ctx := t.Context()
	err = j.run(ctx, h)
	if texts < n {
		return false
	}
	if e := (*apierr.Error)(nil); fault != nil && (!errors.As(err, &e) || e.Code() != apierr.SMSSendError) {
		t.Errorf("%s: text %d %s: answered %v", j.name, n, kind, err)
	}
	again := errors.Join(Invariants(ctx, s, w.Ring), retry(ctx, j, h), Invariants(ctx, s, w.Ring))
	if texts > h.asked {
		t.Errorf("%s: text %d %s: %d requests sent %d texts", j.name, n, kind, h.asked, texts)
	}
	if again != nil {
		t.Errorf("%s: text %d %s, and then again: %v", j.name, n, kind, again)
	}
	return true
}

// TestWithoutRandomnessNothingIsMade: each read of randomness fails in turn. The whole request
// fails.
func TestWithoutRandomnessNothingIsMade(t *testing.T) {
	memory := Memory(t)
	for _, j := range journeys {
		for n := 0; ; n += stride() {
			s := memory(t)
			w, err := newWorld(t.Context(), s, uint64(n))
			if err != nil {
				t.Fatal(err)
			}
			h := newJourneyUser(t, w, j.factors)
			w.chance.good = n
			ctx := t.Context()
			err = j.run(ctx, h)
			if w.chance.good >= 0 {
				if n == 0 {
					t.Errorf("%s: no randomness was read", j.name)
				}
				break
			}
			if err != nil && !errors.Is(err, errNoRandomness) {
				t.Errorf("%s, read %d: answered %v", j.name, n, err)
			}
			if err := errors.Join(Invariants(ctx, s, w.Ring), retry(ctx, j, h), costsNoGuess(ctx, h), Invariants(ctx, s, w.Ring)); err != nil {
				t.Errorf("%s, read %d, and then again: %v", j.name, n, err)
			}
		}
	}
}

// leaveExpiredRecords creates every kind of record that can expire, and advances the clock by nine
// days.
func leaveExpiredRecords(t *testing.T, h *journeyUser) {
	t.Helper()
	ctx := t.Context()
	before := *h
	if err := before.signIn(ctx, account.TicketCode, account.TOTPCode); err != nil {
		t.Fatal(err)
	}
	r, err := h.MFA.AddPhone(ctx, before.from, mfa.PhoneInput{Number: h.World.number()})
	if err == nil {
		_, err = h.MFA.PreparePhone(ctx, before.from, r.Phone.ID, account.PhoneCode)
	}
	if err == nil {
		_, err = h.MFA.CreateBackupCodes(ctx, before.from)
	}
	if err == nil {
		_, err = h.MFA.DeletePhone(ctx, before.from, r.Phone.ID)
	}
	if err == nil {
		_, err = h.MFA.AddPhone(ctx, before.from, mfa.PhoneInput{Number: h.World.number()})
	}
	if err == nil {
		_, err = h.Admin.UpdateUser(ctx, h.id, admin.UserChange{BackupCodes: secrets(h.written)})
	}
	half := *h
	half.from = tx.Caller{}
	if err == nil {
		if half.signIn(ctx, account.TicketCode, "") == nil {
			err = errors.New("a sign-in without its second factor ended")
		}
	}
	if err == nil {
		h.clock.advance(time.Minute)
		err = half.text(ctx)
	}
	if err == nil {
		_, err = h.MFA.CreateTicket(ctx, h.id, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	h.clock.advance(9 * 24 * time.Hour)
}

// TestTheCleanupAtEveryMoment: before each call of each journey a cleanup crashes halfway, and two
// more run. The journey still succeeds, and the expired records are gone.
func TestTheCleanupAtEveryMoment(t *testing.T) {
	memory := Memory(t)
	for _, j := range journeys {
		if !j.factors {
			continue // leaveExpiredRecords needs the factors
		}
		for n := 1; ; n += stride() {
			s := memory(t)
			w, err := newWorld(t.Context(), s, uint64(n))
			if err != nil {
				t.Fatal(err)
			}
			h := newJourneyUser(t, w, true)
			leaveExpiredRecords(t, h)
			calls, tidied := 0, 0
			w.step = func() {
				if calls++; calls == n {
					tidied = cleanUp(t, w)
				}
			}
			err = j.run(t.Context(), h)
			if calls < n {
				break
			}
			w.step = nil
			if err := errors.Join(err, j.goal(t.Context(), h), costsNoGuess(t.Context(), h), Invariants(t.Context(), s, w.Ring)); err != nil {
				t.Errorf("%s, before call %d: %v", j.name, n, err)
			}
			if n == 1 && tidied < 4 {
				t.Errorf("%s: the cleanup found %d records of the litter only", j.name, tidied)
			}
			if r, err := w.Admin.Cleanup(t.Context(), 100); err != nil || n > 1 && r.Deleted > 0 {
				t.Errorf("%s, before call %d: another cleanup found %+v, %v", j.name, n, r, err)
			}
		}
	}
}

// cleanUp runs a cleanup that crashes at its second commit, then two complete ones in another
// process. It returns how many records the first one found.
func cleanUp(t *testing.T, w *World) int {
	t.Helper()
	other := w.config
	broken := store.NewFaulty(w.Store)
	broken.Inject(store.LoseCommit(2))
	other.Store = broken
	cleaner, err := domain.New(other)
	if err != nil {
		t.Fatal(err)
	}
	first, err := cleaner.Admin.Cleanup(context.Background(), 100)
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("the cleanup did not break off: %v", err)
	}
	_, err = cleaner.Admin.Cleanup(context.Background(), 100)
	again, err2 := cleaner.Admin.Cleanup(context.Background(), 100)
	if err := errors.Join(err, err2); err != nil || again.Found > 0 {
		t.Errorf("the second cleanup found %+v, %v", again, err)
	}
	return first.Found
}

// TestSoup runs many journeys in a row. One in ten calls, messages and reads of randomness fails,
// and the clock jumps. Each journey succeeds, no code is accepted twice, and nothing is half done.
// With -soak it goes on.
func TestSoup(t *testing.T) {
	memory := Memory(t)
	run := func(seed uint64) {
		if err := faultyJourneys(t, memory(t), seed); err != nil {
			t.Fatalf("%v\nrepeat it with -run '%s' -seed %d", err, t.Name(), seed)
		}
	}
	if *oneSeed != 0 {
		run(*oneSeed)
		return
	}
	seeds := 150
	if testing.Short() {
		seeds = 20
	}
	for seed := range uint64(seeds) {
		run(seed + 1)
	}
	for seed, end := uint64(time.Now().UnixNano()), time.Now().Add(*soak); time.Now().Before(end); seed++ {
		run(seed)
	}
}

func faultyJourneys(t *testing.T, s store.Store, seed uint64) error {
	ctx, rng := t.Context(), rand.New(rand.NewPCG(seed, 40))
	w, err := newWorld(ctx, s, seed)
	if err != nil {
		return err
	}
	type trip struct {
		journey
		h *journeyUser
	}
	var trips []trip
	for range 4 {
		j := journeys[rng.IntN(len(journeys))]
		trips = append(trips, trip{j, newJourneyUser(t, w, j.factors)})
	}
	for _, trip := range trips {
		w.inject(rng, 100, Scenario{})
		w.network = func() (bool, error) {
			if rng.IntN(10) == 0 {
				return rng.IntN(2) == 0, errors.New("network down")
			}
			return true, nil
		}
		if err := retryUntilDone(ctx, w, trip.journey, trip.h, rng); err != nil {
			return fmt.Errorf("%s: %w", trip.name, err)
		}
	}
	return nil
}

// retryUntilDone repeats a journey until it succeeds. After ten failures no more faults are
// injected.
func retryUntilDone(ctx context.Context, w *World, j journey, h *journeyUser, rng *rand.Rand) error {
	for try := 1; ; try++ {
		if try <= 10 && rng.IntN(4) == 0 {
			w.chance.good = rng.IntN(20)
		}
		err := j.run(ctx, h)
		w.chance.good = -1
		if wrong := Invariants(ctx, w.Store, w.Ring); wrong != nil {
			return fmt.Errorf("try %d: %w", try, wrong)
		}
		if err == nil {
			break
		}
		if kindOf(err) == Wrong || kindOf(err) == Wait {
			return fmt.Errorf("try %d: a fault was taken for a guess: %w", try, err)
		}
		h.signInAgain(err)
		if try == 15 {
			return fmt.Errorf("no way on: %w", err)
		}
		if try == 10 {
			w.faults, w.network = store.NewFaulty(w.Store), nil
			w.above = turnStore{steppingStore{w.faults, w}}
			w.config.Store = w.above
			if w.Service, err = domain.New(w.config); err != nil {
				return err
			}
		}
		w.clock.advance(pick(rng, 31*time.Second, 40*time.Second, 5*time.Minute, time.Hour))
	}
	for _, check := range []func(context.Context, *journeyUser) error{j.goal, costsNoGuess} {
		if err := check(ctx, h); err != nil && kindOf(err) != Unknown {
			return err
		}
	}
	return nil
}

// TestAStoreThatIsDownCostsNothing: while every call fails, guesses fail without being counted.
// Afterwards the first correct code is accepted.
func TestAStoreThatIsDownCostsNothing(t *testing.T) {
	s := Memory(t)(t)
	w, err := newWorld(t.Context(), s, 1)
	if err != nil {
		t.Fatal(err)
	}
	h := newJourneyUser(t, w, true)
	w.faults.Throttle()
	for range 50 {
		if _, err := h.Admin.VerifyTOTP(t.Context(), h.id, secret.New("000000")); kindOf(err) != Unknown {
			t.Fatalf("answered %v", err)
		}
	}
	w.faults.Recover()
	if _, err := h.Admin.VerifyTOTP(t.Context(), h.id, h.guess(account.TOTPCode).Code); err != nil {
		t.Error(err)
	}
}

// TestWithoutTheNetworkTheOtherFactorsWork: while no message arrives, the other factors work (R35).
func TestWithoutTheNetworkTheOtherFactorsWork(t *testing.T) {
	for _, by := range []account.Strategy{account.TOTPCode, account.BackupCode, account.PhoneCode} {
		w, err := newWorld(t.Context(), Memory(t)(t), 1)
		if err != nil {
			t.Fatal(err)
		}
		h := newJourneyUser(t, w, true)
		w.network = func() (bool, error) { return false, errors.New("network down") }
		if err := h.signIn(t.Context(), account.Password, by); (err == nil) != (by != account.PhoneCode) {
			t.Errorf("%s: %v", by, err)
		}
	}
}

// everythingExpiredStore returns every record as expired, as a wrong comparison would.
type everythingExpiredStore struct{ store.Store }

func (s everythingExpiredStore) Expired(ctx context.Context, kind store.Kind, _ time.Time, limit int) ([]store.Key, error) {
	records, _, err := s.List(ctx, kind, "", limit)
	var keys []store.Key
	for _, r := range records {
		keys = append(keys, r.Key)
	}
	return keys, err
}

// TestACleanupThatIsToldNonsenseRemovesNothing: the cleanup keeps valid records even if the store
// returns them as expired (R33).
func TestACleanupThatIsToldNonsenseRemovesNothing(t *testing.T) {
	s := Memory(t)(t)
	w, err := newWorld(t.Context(), s, 1)
	if err != nil {
		t.Fatal(err)
	}
	h := newJourneyUser(t, w, true)
	if err := h.signIn(t.Context(), account.TicketCode, account.PhoneCode); err != nil {
		t.Fatal(err)
	}
	w.config.Store = everythingExpiredStore{s}
	if w.Service, err = domain.New(w.config); err != nil {
		t.Fatal(err)
	}
	r, err := w.Admin.Cleanup(t.Context(), 100)
	if err != nil || r.Found < 5 || r.Deleted > 0 {
		t.Errorf("of %d records that are alive the cleanup removed %d (error %v)", r.Found, r.Deleted, err)
	}
	if err := errors.Join(signedIn(t.Context(), h), Invariants(t.Context(), s, w.Ring)); err != nil {
		t.Error(err)
	}
}

// TestACleanupThatIsTooEarlyIsNoticed: a cleanup whose clock is weeks ahead removes valid records,
// and the checks above fail.
func TestACleanupThatIsTooEarlyIsNoticed(t *testing.T) {
	s := Memory(t)(t)
	w, err := newWorld(t.Context(), s, 1)
	if err != nil {
		t.Fatal(err)
	}
	h := newJourneyUser(t, w, true)
	if err := h.signIn(t.Context(), account.TicketCode, account.TOTPCode); err != nil {
		t.Fatal(err)
	}
	early := w.config
	early.Now = func() time.Time { return w.clock.now().Add(30 * 24 * time.Hour) }
	cleaner, err := domain.New(early)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cleaner.Admin.Cleanup(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	if errors.Join(signedIn(t.Context(), h), Invariants(t.Context(), s, w.Ring)) == nil {
		t.Error("a session was removed in its first minute, and nothing noticed")
	}
}
