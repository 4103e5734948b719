package authority

import (
	"fmt"
	"slices"
	"strings"
)

// Action is what a session asks to do.
type Action string

// The actions. Each operation of the Frontend API that needs a session is one of them.
const (
	Use             Action = "use the session: read, get tokens, sign out"
	StepUp          Action = "prove a factor again"
	AddNumber       Action = "add a phone number"
	VerifyNumber    Action = "verify a number"
	EnrolNumber     Action = "verify a number, which makes it a factor"
	ReserveNumber   Action = "use a verified number as a second factor"
	ReleaseNumber   Action = "stop using a number as a second factor"
	DefaultNumber   Action = "make a number the default second factor"
	RemoveNumber    Action = "remove a number"
	DropNumber      Action = "remove a number that was never verified"
	BeginApp        Action = "begin to enrol an authenticator app"
	ConfirmApp      Action = "confirm the authenticator app"
	RemoveApp       Action = "remove the authenticator app"
	BeginPasskey    Action = "begin to enrol a passkey"
	ConfirmPasskey  Action = "confirm a passkey"
	RenamePasskey   Action = "rename a passkey"
	RemovePasskey   Action = "remove a passkey"
	NameFactor      Action = "name a number or the authenticator app"
	MakeBackupCodes Action = "make new backup codes"
	ListSessions    Action = "list the user's sessions"
	ListDevices     Action = "list the remembered devices"
	ForgetDevices   Action = "forget remembered devices"
	RevokeSession   Action = "end another session"
	ReadAuditLog    Action = "read the user's audit log"
	ChangeProfile   Action = "change names and metadata"
	ChangeName      Action = "change the username or the primary number"
	ChangePassword  Action = "change the password"
	DeleteAccount   Action = "delete the account"
	CancelRecovery  Action = "cancel a recovery"
)

// need is what an action asks of a session.
type need int

const (
	liveSession need = iota
	recentProof
	// secondFactor is a proof of a second factor, however old.
	secondFactor
)

// rule is one row of the table.
type rule struct {
	needs   need
	pending bool   // also in a pending session
	proves  string // for the documentation: what the session has proved afterwards
}

const (
	unchanged   = "—"
	firstFactor = "second factor, if the user's first"
	steppedUp   = "that factor"
)

var rules = map[Action]rule{
	Use:             {liveSession, true, unchanged},
	StepUp:          {liveSession, true, steppedUp},
	AddNumber:       {recentProof, true, unchanged},
	VerifyNumber:    {liveSession, true, unchanged},
	EnrolNumber:     {recentProof, true, firstFactor},
	ReserveNumber:   {recentProof, true, firstFactor},
	ReleaseNumber:   {recentProof, false, unchanged},
	DefaultNumber:   {recentProof, false, unchanged},
	RemoveNumber:    {recentProof, false, unchanged},
	DropNumber:      {recentProof, true, unchanged},
	BeginApp:        {recentProof, true, unchanged},
	ConfirmApp:      {recentProof, true, firstFactor},
	RemoveApp:       {recentProof, false, unchanged},
	BeginPasskey:    {recentProof, false, unchanged},
	ConfirmPasskey:  {recentProof, false, unchanged},
	RenamePasskey:   {liveSession, false, unchanged},
	RemovePasskey:   {recentProof, false, unchanged},
	NameFactor:      {liveSession, false, unchanged},
	MakeBackupCodes: {recentProof, true, unchanged},
	ListSessions:    {liveSession, false, unchanged},
	ListDevices:     {liveSession, false, unchanged},
	ForgetDevices:   {liveSession, false, unchanged},
	RevokeSession:   {recentProof, false, unchanged},
	ReadAuditLog:    {liveSession, false, unchanged},
	ChangeProfile:   {liveSession, false, unchanged},
	ChangeName:      {recentProof, false, unchanged},
	ChangePassword:  {recentProof, false, unchanged},
	DeleteAccount:   {recentProof, false, unchanged},
	CancelRecovery:  {secondFactor, false, unchanged},
}

// Actions returns all actions, in the order of their names.
func Actions() []Action {
	all := make([]Action, 0, len(rules))
	for a := range rules {
		all = append(all, a)
	}
	slices.Sort(all)
	return all
}

// Table returns the rules as a Markdown table with one row for all actions of one rule.
// docs/security/authority.md holds it.
func Table() string {
	same := map[rule][]string{}
	for _, a := range Actions() {
		same[rules[a]] = append(same[rules[a]], string(a))
	}
	var rows []string
	for r, actions := range same {
		needs := map[need]string{liveSession: "sign-in", recentProof: "recent proof", secondFactor: "a proof of the second factor"}[r.needs]
		session := map[bool]string{true: "any", false: "not pending"}[r.pending]
		rows = append(rows, fmt.Sprintf("|%s|%s|%s|%s|\n", needs, session, r.proves, strings.Join(actions, "; ")))
	}
	slices.Sort(rows)
	return "|needs|session|proves|actions|\n|---|---|---|---|\n" + strings.Join(rows, "")
}
