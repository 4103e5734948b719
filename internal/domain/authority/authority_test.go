package authority_test

import (
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/authority"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

func password(at time.Time) authority.Proof { return authority.Proof{Method: "password", At: at} }
func app(at time.Time) authority.Proof      { return authority.Proof{Method: "totp", At: at} }

const minute = time.Minute

var (
	without = authority.Account{Generation: 4, FirstSince: 2, SecondSince: 3}
	with    = authority.Account{SecondFactor: true, Generation: 4, FirstSince: 2, SecondSince: 3}
)

// TestMay lists who may change factors, and everything that a session may not do.
func TestMay(t *testing.T) {
	const change, read, look = authority.RemoveApp, authority.Use, authority.ListSessions
	required := authority.Policy{Required: true}
	for name, tc := range map[string]struct {
		account authority.Account
		session authority.Session
		policy  authority.Policy
		action  authority.Action
		want    authority.Verdict
	}{
		"no second factor, password a moment ago":         {without, authority.Session{First: password(ago(9 * minute)), Generation: 4}, authority.Policy{}, change, authority.Granted},
		"no second factor, password ten minutes ago":      {without, authority.Session{First: password(ago(10 * minute)), Generation: 4}, authority.Policy{}, change, authority.NeedsStepUp},
		"no second factor, password of before it changed": {without, authority.Session{First: password(ago(minute)), Generation: 1}, authority.Policy{}, change, authority.NeedsStepUp},
		"no second factor, nothing proved":                {without, authority.Session{Generation: 4}, authority.Policy{}, change, authority.NeedsStepUp},
		"password of the future":                          {without, authority.Session{First: password(now.Add(time.Hour)), Generation: 4}, authority.Policy{}, change, authority.NeedsStepUp},
		"password within the skew of clocks":              {without, authority.Session{First: password(now.Add(authority.Skew)), Generation: 4}, authority.Policy{}, change, authority.Granted},

		"second factor a moment ago":                {with, authority.Session{First: password(ago(time.Hour)), Second: app(ago(minute)), Generation: 4}, authority.Policy{}, change, authority.Granted},
		"second factor ten minutes ago":             {with, authority.Session{First: password(now), Second: app(ago(10 * minute)), Generation: 4}, authority.Policy{}, change, authority.NeedsStepUp},
		"second factor never, password now":         {with, authority.Session{First: password(now), Generation: 4}, authority.Policy{}, change, authority.NeedsStepUp},
		"second factor of the future":               {with, authority.Session{First: password(now), Second: app(now.Add(time.Hour)), Generation: 4}, authority.Policy{}, change, authority.NeedsStepUp},
		"second factor from before one was removed": {with, authority.Session{First: password(now), Second: app(now), Generation: 2}, authority.Policy{}, change, authority.NeedsStepUp},
		"a backup code of a set that was replaced": {
			authority.Account{SecondFactor: true, Generation: 4, SecondSince: 2, BackupSince: 4},
			authority.Session{First: password(now), Second: authority.Proof{Method: authority.BackupCode, At: now}, Generation: 3}, authority.Policy{}, change, authority.NeedsStepUp,
		},
		"an app's code, and the backup codes were replaced": {
			authority.Account{SecondFactor: true, Generation: 4, SecondSince: 2, BackupSince: 4},
			authority.Session{First: password(now), Second: app(now), Generation: 3}, authority.Policy{}, change, authority.Granted,
		},
		"second factor from before another was added":      {with, authority.Session{First: password(ago(time.Hour)), Second: app(now), Generation: 3}, authority.Policy{}, change, authority.Granted},
		"password alone, in the session that changed last": {with, authority.Session{First: password(ago(minute)), Alone: ago(minute), Generation: 4}, authority.Policy{}, change, authority.Granted},
		"password alone, ten minutes ago":                  {with, authority.Session{First: password(ago(10 * minute)), Alone: ago(10 * minute), Generation: 4}, authority.Policy{}, change, authority.NeedsStepUp},
		"password alone, another session changed factors":  {with, authority.Session{First: password(ago(minute)), Alone: ago(minute), Generation: 3}, authority.Policy{}, change, authority.NeedsStepUp},
		"password alone, in the future":                    {with, authority.Session{First: password(now), Alone: now.Add(time.Hour), Generation: 4}, authority.Policy{}, change, authority.NeedsStepUp},

		"a pending session reads itself":                 {without, authority.Session{First: password(now), Generation: 4}, required, read, authority.Granted},
		"a pending session begins its task":              {without, authority.Session{First: password(now), Generation: 4}, required, authority.BeginApp, authority.Granted},
		"a pending session lists sessions":               {without, authority.Session{First: password(now), Generation: 4}, required, look, authority.NotWhilePending},
		"a pending session reads the audit log":          {without, authority.Session{First: password(now), Generation: 4}, required, authority.ReadAuditLog, authority.NotWhilePending},
		"a pending session ends others":                  {without, authority.Session{First: password(now), Generation: 4}, required, authority.RevokeSession, authority.NotWhilePending},
		"required, user enrolled elsewhere":              {with, authority.Session{First: password(now), Generation: 4}, required, read, authority.SessionEnded},
		"required, proved at sign-in":                    {with, authority.Session{First: password(ago(time.Hour)), Second: app(ago(time.Hour)), Generation: 4}, required, look, authority.Granted},
		"required, enrolled a number verified elsewhere": {with, authority.Session{First: password(ago(time.Hour)), Enrolled: true, Generation: 4}, required, look, authority.Granted},
		"required, proof of a factor that was removed":   {with, authority.Session{Second: app(now), Generation: 2}, required, read, authority.SessionEnded},
		"not required, user enrolled elsewhere":          {with, authority.Session{First: password(now), Generation: 4}, authority.Policy{KeepSessions: true}, look, authority.Granted},

		"an action that no rule knows": {without, authority.Session{First: password(now), Generation: 4}, authority.Policy{}, "other", authority.SessionEnded},
	} {
		t.Run(name, func(t *testing.T) {
			c := authority.Case{Session: tc.session, Account: tc.account, Policy: tc.policy, Now: now}
			if got := c.May(tc.action); got != tc.want {
				t.Errorf("verdict %d, want %d", got, tc.want)
			}
		})
	}
}

func TestAges(t *testing.T) {
	for name, tc := range map[string]struct {
		account authority.Account
		session authority.Session
		want    [2]int
	}{
		"no second factor":                        {without, authority.Session{First: password(ago(90 * time.Second)), Generation: 4}, [2]int{1, authority.NoFactor}},
		"a second factor that was not proved":     {with, authority.Session{First: password(now), Generation: 4}, [2]int{0, authority.NotProved}},
		"both, in whole minutes":                  {with, authority.Session{First: password(ago(10*minute - time.Second)), Second: app(ago(10 * minute)), Generation: 4}, [2]int{9, 10}},
		"a proof of a factor that was removed":    {with, authority.Session{First: password(now), Second: app(now), Generation: 2}, [2]int{0, authority.NotProved}},
		"the last factor was removed":             {without, authority.Session{First: password(now), Second: app(now), Generation: 4}, [2]int{0, authority.NoFactor}},
		"the password changed":                    {without, authority.Session{First: password(now), Generation: 1}, [2]int{authority.NotProved, authority.NoFactor}},
		"proofs of the future":                    {with, authority.Session{First: password(now.Add(time.Hour)), Second: app(now.Add(time.Hour)), Generation: 4}, [2]int{authority.NotProved, authority.NotProved}},
		"proofs within the skew of clocks":        {with, authority.Session{First: password(now.Add(20 * time.Second)), Second: app(now.Add(20 * time.Second)), Generation: 4}, [2]int{0, 0}},
		"proofs from a hundred and one years ago": {with, authority.Session{First: password(ago(101 * 365 * 24 * time.Hour)), Second: app(now), Generation: 4}, [2]int{authority.NotProved, 0}},
	} {
		c := authority.Case{Session: tc.session, Account: tc.account, Now: now}
		if got := c.Ages(); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// TestChanges says what a session has proved after it changed the factors.
func TestChanges(t *testing.T) {
	fresh := authority.Session{First: password(ago(minute)), Alone: ago(minute), Generation: 4}
	both := authority.Session{First: password(ago(2 * minute)), Second: app(ago(minute)), Generation: 4}
	for name, tc := range map[string]struct {
		account authority.Account
		session authority.Session
		change  authority.Change
		second  time.Time // of the proof afterwards; zero for none
		next    authority.Verdict
	}{
		"the first second factor, shown":         {without, fresh, authority.Change{SecondFactor: true, Shown: app(now)}, now, authority.Granted},
		"the first second factor, not shown":     {without, fresh, authority.Change{SecondFactor: true}, time.Time{}, authority.Granted},
		"another one is no proof":                {with, fresh, authority.Change{SecondFactor: true, Shown: app(now)}, time.Time{}, authority.Granted},
		"another one keeps the proof there was":  {with, both, authority.Change{SecondFactor: true, Shown: app(now)}, ago(minute), authority.Granted},
		"one of two removed keeps the proof":     {with, both, authority.Change{SecondFactor: true, SecondRemoved: true}, ago(minute), authority.Granted},
		"the last one removed leaves none":       {with, both, authority.Change{SecondRemoved: true}, time.Time{}, authority.Granted},
		"a proof that was void is not revived":   {with, authority.Session{First: password(ago(minute)), Alone: ago(minute), Second: app(now), Generation: 2}, authority.Change{SecondFactor: true, SecondRemoved: true}, time.Time{}, authority.NeedsStepUp},
		"first factors removed by itself":        {without, fresh, authority.Change{FirstRemoved: true}, time.Time{}, authority.Granted},
		"an old password, then the first factor": {without, authority.Session{First: password(ago(time.Hour)), Alone: ago(time.Hour), Generation: 4}, authority.Change{SecondFactor: true}, time.Time{}, authority.NeedsStepUp},
	} {
		t.Run(name, func(t *testing.T) {
			c := authority.Case{Session: tc.session, Account: tc.account, Now: now}
			session, account := c.Changed(tc.change)
			if !session.Second.At.Equal(tc.second) {
				t.Errorf("the second factor was proved at %v, want %v", session.Second.At, tc.second)
			}
			if session.Generation != account.Generation || account.Generation != tc.account.Generation+1 {
				t.Errorf("generations %d and %d after %d", session.Generation, account.Generation, tc.account.Generation)
			}
			next := authority.Case{Session: session, Account: account, Now: now}
			if got := next.May(authority.RemoveApp); got != tc.next {
				t.Errorf("the next change: verdict %d, want %d", got, tc.next)
			}
		})
	}
}

// TestOthersAfterAChange says what a change does to a session that did not make it.
func TestOthersAfterAChange(t *testing.T) {
	other := authority.Session{First: password(ago(minute)), Second: app(ago(minute)), Alone: ago(minute), Generation: 4}
	for name, tc := range map[string]struct {
		change authority.Change
		want   authority.Verdict
	}{
		"a factor was added":            {authority.Change{SecondFactor: true}, authority.Granted},
		"a factor was removed":          {authority.Change{SecondFactor: true, SecondRemoved: true}, authority.NeedsStepUp},
		"backup codes were replaced":    {authority.Change{SecondFactor: true, BackupRemoved: true}, authority.Granted},
		"all were removed":              {authority.Change{SecondRemoved: true}, authority.Granted},
		"the password changed":          {authority.Change{SecondFactor: true, FirstRemoved: true}, authority.Granted},
		"all removed, and the password": {authority.Change{SecondRemoved: true, FirstRemoved: true}, authority.NeedsStepUp},
	} {
		c := authority.Case{Session: other, Account: with.Changed(tc.change), Now: now}
		if got := c.May(authority.RemoveApp); got != tc.want {
			t.Errorf("%s: verdict %d, want %d", name, got, tc.want)
		}
	}
}

func TestEndsOthers(t *testing.T) {
	added, removed := authority.Change{SecondFactor: true}, authority.Change{}
	for name, tc := range map[string]struct {
		policy authority.Policy
		before authority.Account
		change authority.Change
		want   bool
	}{
		"the first second factor":                 {authority.Policy{}, without, added, true},
		"the first one, sessions are kept":        {authority.Policy{KeepSessions: true}, without, added, false},
		"the first one, kept but required":        {authority.Policy{KeepSessions: true, Required: true}, without, added, true},
		"another one":                             {authority.Policy{}, with, added, false},
		"the last one removed":                    {authority.Policy{}, with, removed, false},
		"a change without a second factor at all": {authority.Policy{Required: true}, without, removed, false},
	} {
		if got := tc.policy.EndsOthers(tc.before, tc.change); got != tc.want {
			t.Errorf("%s: %t, want %t", name, got, tc.want)
		}
	}
}

func TestPendingFactors(t *testing.T) {
	for name, tc := range map[string]struct {
		factor authority.PendingFactor
		want   bool
	}{
		"in the session that began it":      {authority.PendingFactor{Owner: "mine", Began: ago(minute)}, true},
		"in another session":                {authority.PendingFactor{Owner: "other", Began: ago(minute)}, false},
		"of no session, from an old record": {authority.PendingFactor{Began: ago(minute)}, false},
		"after fifteen minutes":             {authority.PendingFactor{Owner: "mine", Began: ago(15 * minute)}, false},
		"a moment before":                   {authority.PendingFactor{Owner: "mine", Began: ago(15*minute - time.Second)}, true},
		"after five wrong codes":            {authority.PendingFactor{Owner: "mine", Began: now, Wrong: 5}, false},
		"after four":                        {authority.PendingFactor{Owner: "mine", Began: now, Wrong: 4}, true},
		"begun in the future":               {authority.PendingFactor{Owner: "mine", Began: now.Add(time.Hour)}, false},
	} {
		if got := tc.factor.Live("mine", now); got != tc.want {
			t.Errorf("%s: %t, want %t", name, got, tc.want)
		}
	}
	if (authority.PendingFactor{Began: now}).Live("", now) {
		t.Error("a factor of no session belongs to a session without a name")
	}
}

func TestStepUps(t *testing.T) {
	if got := without.StepUp(authority.MultiFactor); got != authority.FirstFactor {
		t.Errorf("a user without a second factor is asked for %s", got)
	}
	if got := with.StepUp(authority.MultiFactor); got != authority.MultiFactor {
		t.Errorf("a user with a second factor is asked for %s", got)
	}
	void := authority.Case{Session: authority.Session{First: password(ago(minute)), Second: app(ago(minute)), Alone: ago(minute), Generation: 2}, Account: with, Now: now}
	s := void.ProvedFirst("password")
	if !s.Second.At.IsZero() || !s.Alone.IsZero() || s.First.At != now || s.Generation != with.Generation {
		t.Errorf("a password revived proofs that no longer count: %+v", s)
	}
	after := authority.Case{Session: void.ProvedSecond("totp"), Account: with, Now: now}
	if after.May(authority.RemoveApp) != authority.Granted {
		t.Error("a proved second factor does not allow a change")
	}
	if s := with.SignIn(password(now), app(now)); s.Alone != (time.Time{}) || s.Second.At != now || s.Generation != with.Generation {
		t.Errorf("a sign-in with both factors: %+v", s)
	}
	if s := without.SignIn(password(now), app(now)); s.Alone != now || !s.Second.At.IsZero() {
		t.Errorf("a sign-in without a second factor: %+v", s)
	}
}

// FuzzNothingIsGained: a session that does nothing gains no rights by time or by changes of other
// sessions.
func FuzzNothingIsGained(f *testing.F) {
	f.Add(int64(60), int64(60), int64(60), uint8(4), uint8(4), int64(30), true, true, false)
	f.Add(int64(0), int64(-3600), int64(0), uint8(1), uint8(0), int64(3600), false, true, true)
	f.Fuzz(func(t *testing.T, first, second, alone int64, generation, behind uint8, later int64, secondRemoved, firstRemoved, required bool) {
		at := func(s int64) time.Time { return ago(time.Duration(max(-30, s%100_000)) * time.Second) }
		account := with
		account.Generation += uint32(generation)
		s := authority.Session{First: password(at(first)), Second: app(at(second)), Alone: at(alone), Generation: account.Generation - min(account.Generation, uint32(behind))}
		before := authority.Case{Session: s, Account: account, Policy: authority.Policy{Required: required}, Now: now}
		after := before
		after.Now = now.Add(time.Duration(max(0, later%1_000_000)) * time.Second)
		after.Account = account.Changed(authority.Change{SecondFactor: true, SecondRemoved: secondRemoved, FirstRemoved: firstRemoved})
		for _, a := range authority.Actions() {
			if after.May(a) == authority.Granted && before.May(a) != authority.Granted {
				t.Errorf("%q is granted only after time and the change of another session: %+v", a, before)
			}
		}
	})
}
