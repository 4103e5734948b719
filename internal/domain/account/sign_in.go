package account

import "time"

// SignInStatus is a sign-in's status on the wire.
type SignInStatus string

// The statuses of a sign-in, in order.
const (
	NeedsIdentifier   SignInStatus = "needs_identifier"
	NeedsFirstFactor  SignInStatus = "needs_first_factor"
	NeedsSecondFactor SignInStatus = "needs_second_factor"
	SignInComplete    SignInStatus = "complete"
)

// Status returns the step that the sign-in waits for.
func (si *SignIn) Status() SignInStatus {
	switch {
	case si.Created != "":
		return SignInComplete
	case si.First.Proved != 0:
		return NeedsSecondFactor
	case si.Identifier != "", si.First.Strategy == PasskeyProof:
		return NeedsFirstFactor
	}
	return NeedsIdentifier
}

// SignIn is a sign-in in progress. Its life is short: a proven first factor must not wait for days.
type SignIn struct {
	ID         string     `json:"i"`
	User       string     `json:"us,omitempty"` // "" if unknown, or without an account
	Identifier string     `json:"-"`            // as it was typed; stored in Sealed
	Sealed     SealedText `json:"n,omitzero"`
	Plain      string     `json:"in,omitempty"` // the identifier in a record from before it was sealed
	First      Attempt    `json:"f1,omitzero"`
	Second     Attempt    `json:"f2,omitzero"`
	Created    string     `json:"cs,omitempty"` // session
	Generation uint32     `json:"g,omitempty"`  // of the user when the first factor was proved
	Remembered bool       `json:"-"`            // completed without a second factor: [User.Remembers]
	CreatedAt  Instant    `json:"c"`
	Expires    Instant    `json:"e"`
}

// SignInLife is the time in which a sign-in must be completed.
const SignInLife = time.Hour

// Attempt is the state of one factor of a sign-in or a reverification.
type Attempt struct {
	Strategy Strategy `json:"s,omitempty"`
	Proved   Instant  `json:"v,omitempty"`
	Code     *Code    `json:"c,omitempty"`
	// Waiting is a second code, which was sent to another number, or for the former sign-in on this
	// client. It does not work until its number is prepared again; then it takes the place of Code.
	Waiting *Code `json:"l,omitempty"`
	// Challenge is what a passkey must sign. The first answer, right or wrong, uses it up.
	Challenge *Challenge `json:"h,omitempty"`
	// Options is the JSON text that a browser makes the signature with. Only the answer that made the
	// challenge has it.
	Options string `json:"-"`
	Wrong   int    `json:"w,omitempty"` // wrong tries as a second factor, by all methods and codes
}
