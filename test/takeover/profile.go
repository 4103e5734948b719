package takeover

import (
	"slices"
	"time"
)

// Asset is what a thief has besides the password.
type Asset string

// Assets of the thief.
const (
	OwnNumber  Asset = "a phone number of their own"
	UsedCode   Asset = "codes that the owner used"
	RevokedKey Asset = "a revoked key of the Backend API"
)

// Profile describes a kind of journey.
type Profile struct {
	Name string
	// Thief is what the thief has besides the password, or "". A Guest thief does not have the
	// password.
	Thief Asset
	Guest bool
	// Both gives the password to the cookie thief too.
	Both bool
	// Required, Texts and Keep switch settings on that are drawn otherwise: a second factor is
	// required, text messages are a first factor, and the first second factor keeps other sessions.
	Required, Texts, Keep bool
	// Keys says that passkeys are on.
	Keys bool
	// Bare users begin without a second factor, Enrolled users with one. Otherwise this is drawn.
	Bare, Enrolled bool
	// Remember lets the owner's browsers be remembered. The cookie thief then copies cookies of
	// browsers that are signed out, too.
	Remember bool
	// Recovers says that days pass with the cleanup, which completes recoveries.
	Recovers bool
	// Recycled says that one of the user's phone numbers now belongs to the thief.
	Recycled bool
	// Goals are the goals that count; nil means all of [Goals].
	Goals []Goal
	// Weights are the relative frequencies of the actors, by role.
	Weights [clock + 1]int
	// Plans replace [commonPlans], by role.
	Plans map[role][]plan
	// Steps is the length of a journey. Slow journeys send many requests, so fewer of them are
	// searched.
	Steps int
	Slow  bool
	// Granted, unless nil, is called with every operation that succeeded for an actor.
	Granted func(operation string)
}

// plan is a sequence of actions. Other actors and the clock may act between any two of them.
type plan struct {
	weight  int
	actions []string
}

var (
	signsIn      = []string{"sign-in-create", "sign-in-second-factor-prepare", "sign-in-second-factor-attempt"}
	signsInText  = []string{"sign-in-create", "sign-in-first-factor-prepare", "sign-in-first-factor-attempt"}
	enrolsApp    = []string{"me-totp-create", "me-totp-attempt"}
	beginsApp    = []string{"me-totp-create"}
	beginsNumber = []string{"me-phone-number-create", "me-phone-number-prepare"}
	enrolsNumber = []string{"me-phone-number-create", "me-phone-number-prepare", "me-phone-number-attempt"}
	enrolsKey    = []string{"me-passkey-create", "me-passkey-attempt"}
	signsInKey   = []string{"sign-in-create", "sign-in-first-factor-attempt", "sign-in-second-factor-prepare", "sign-in-second-factor-attempt"}
	stepsUpKey   = []string{"session-reverification-create", "session-reverification-first-factor-prepare", "session-reverification-first-factor-attempt", "session-reverification-second-factor-prepare", "session-reverification-second-factor-attempt"}
	asks         = []string{"sign-in-create", "sign-in-recovery-create"}
	waitsDays    = []string{dayPasses, dayPasses, dayPasses}
	stepsUpFirst = []string{"session-reverification-create", "session-reverification-first-factor-attempt"}
	stepsUpText  = []string{"session-reverification-create", "session-reverification-first-factor-prepare", "session-reverification-first-factor-attempt"}
	stepsUp      = []string{"session-reverification-create", "session-reverification-first-factor-attempt", "session-reverification-second-factor-prepare", "session-reverification-second-factor-attempt"}
)

// changing are the operations that change factors.
var changing = []string{
	"me-totp-create", "me-totp-delete", "me-phone-number-create", "me-phone-number-update", "me-phone-number-update", "me-phone-number-delete", "me-backup-codes-create",
}

func join(lists ...[]string) []string { return slices.Concat(lists...) }

// commonPlans are the plans of actors in profiles without their own.
var commonPlans = map[role][]plan{
	owner: {
		{8, signsIn}, {6, join(signsIn, enrolsApp)}, {4, join(signsIn, enrolsNumber)}, {3, enrolsApp}, {3, beginsApp}, {3, enrolsNumber}, {2, []string{"me-phone-number-update"}},
		{2, join(stepsUp, []string{"me-totp-delete"})}, {2, join(stepsUp, []string{"me-phone-number-delete"})},
		{2, join(stepsUp, []string{"me-backup-codes-create"})}, {2, join(signsIn, []string{"me-backup-codes-create"})}, {1, join(signsIn, []string{"me-delete"})},
		{2, stepsUp}, {2, []string{"session-end"}}, {1, []string{"client-delete"}},
		{1, join(stepsUp, []string{"me-password-change"})}, {1, join(stepsUp, []string{"me-update", "me-metadata-merge"})},
		{2, []string{"client-get"}}, {1, []string{"session-touch"}}, {1, []string{"me-sessions-list", "me-session-revoke"}}, {1, join(stepsUp, []string{"me-sessions-revoke-others"})}, {1, signsInText},
		{2, join(signsIn, []string{"me-phone-numbers-list", "me-phone-number-get", "me-sessions-active-list"})},
	},
	thief: {
		{9, signsIn}, {3, join(signsIn, enrolsApp)}, {3, join(signsIn, enrolsNumber)}, {4, enrolsApp}, {4, enrolsNumber}, {3, []string{"me-phone-number-update"}}, {2, []string{"me-totp-delete"}}, {2, []string{"me-phone-number-delete"}},
		{2, []string{"me-backup-codes-create"}}, {3, stepsUp}, {3, []string{"client-get"}}, {2, []string{"session-touch"}}, {2, []string{"session-token-create"}},
		{2, signsInText}, {1, []string{"client-handshake"}}, {2, []string{"sign-in-second-factor-attempt"}}, {2, []string{many + "me-totp-attempt"}},
		{1, []string{many + "sign-in-second-factor-attempt"}}, {1, []string{"me-password-change"}}, {1, []string{"me-update", "me-password-remove", "me-delete"}},
	},
	cookieThief: {
		{8, []string{copyCookie}}, {1, []string{"client-create", plantCookie}}, {4, []string{"client-get"}}, {4, []string{many + "me-totp-attempt"}}, {2, []string{many + "session-reverification-second-factor-attempt"}}, {3, enrolsApp}, {3, enrolsNumber}, {2, []string{"me-totp-delete"}}, {2, []string{"me-phone-number-delete"}},
		{1, []string{"me-password-change"}}, {1, []string{"me-update", "me-password-remove", "me-delete"}},
		{2, []string{"me-backup-codes-create"}}, {2, stepsUp}, {2, []string{"me-phone-number-update"}}, {1, []string{"session-touch"}}, {1, []string{"session-token-create"}},
	},
	admin: {
		{3, []string{"user-mfa-delete"}}, {1, []string{"user-totp-delete"}}, {1, []string{"user-backup-code-delete"}}, {3, []string{"user-ban", "user-unban"}}, {1, []string{"user-lock", "user-unlock"}},
		{4, []string{"user-update"}}, {3, []string{"phone-number-update"}}, {2, []string{"phone-number-delete"}}, {1, []string{"phone-number-create"}}, {1, []string{"sign-in-token-create"}},
		{2, []string{"admin-session-revoke"}}, {3, []string{"instance-update"}},
	},
}

// waits are the durations by which the clock advances, with weights.
var waits = []struct {
	weight int
	d      time.Duration
}{
	{20, 5 * time.Second}, {40, 45 * time.Second}, {20, 4 * time.Minute}, {40, 13 * time.Minute}, {15, 20 * time.Minute}, {5, 2 * time.Hour},
	{5, 26 * time.Hour}, {3, 4 * 24 * time.Hour}, {1, 31 * 24 * time.Hour},
}

const (
	// pauseAction advances the clock past the pause between two messages to a number.
	pauseAction = "*pauses"
	pause       = 45 * time.Second
	// changeFactor is any action that changes a factor.
	changeFactor = "*changes"
	// many before an action performs it guessedAtOnce times in a row.
	many          = "*many "
	guessedAtOnce = 40
)
