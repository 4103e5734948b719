// Package eventtype is the catalogue of events: those that audit logs, the event log and webhooks
// name, and how each is kept.
package eventtype

// Name is the type of an event, as the event log and webhooks show it.
type Name string

// The events. Names that Clerk's webhooks have mean what they mean there.
const (
	UserCreated      Name = "user.created"
	UserUpdated      Name = "user.updated"
	UserDeleted      Name = "user.deleted"
	UsernameSet      Name = "username.changed"
	UserLocked       Name = "user.locked"
	UserUnlocked     Name = "user.unlocked"
	UserBanned       Name = "user.banned"
	UserUnbanned     Name = "user.unbanned"
	MFARequired      Name = "user.mfa_required"
	MFAOptional      Name = "user.mfa_optional"
	FactorAdded      Name = "factor.added"
	FactorRemoved    Name = "factor.removed"
	FactorReset      Name = "factor.reset"
	FactorDisabled   Name = "factor.disabled"
	FactorDefault    Name = "factor.default_changed"
	FactorUsed       Name = "factor.used"
	CodeSent         Name = "code.sent"
	CodeWrong        Name = "code.wrong"
	Replay           Name = "code.replayed"
	PasskeyCopied    Name = "passkey.counter_went_back"
	BackupMade       Name = "backup_code.made"
	BackupUsed       Name = "backup_code.used"
	BackupRemoved    Name = "backup_code.removed"
	PasswordSet      Name = "password.changed"
	PasswordWrong    Name = "password.wrong"
	NumberAdded      Name = "phone_number.added"
	NumberVerified   Name = "phone_number.verified"
	NumberDoubted    Name = "phone_number.unverified"
	NumberRemoved    Name = "phone_number.removed"
	NumberRefused    Name = "phone_number.refused"
	SendFailed       Name = "sms.failed"
	Undelivered      Name = "sms.undelivered"
	TicketCreated    Name = "sign_in_token.created"
	TicketUsed       Name = "sign_in_token.used"
	SignedIn         Name = "session.created"
	SignedOut        Name = "session.ended"
	SessionRemoved   Name = "session.removed"
	SessionRevoked   Name = "session.revoked"
	SignedOutAll     Name = "session.all_revoked"
	OthersRevoked    Name = "session.others_revoked"
	Stranded         Name = "user.stranded"
	Reverified       Name = "session.reverified"
	DeviceRemembered Name = "device.remembered"
	DeviceForgotten  Name = "device.forgotten"
	SettingsChanged  Name = "settings.changed"
	SMSRefused       Name = "sms.refused"
	BreakerTripped   Name = "sms.breaker_tripped"
	SpentHalf        Name = "sms.spent_50"
	SpentMost        Name = "sms.spent_80"
	SpentAll         Name = "sms.spent_100"
	HookTest         Name = "webhook.test"
	HookFailed       Name = "webhook.failed"
)

// The events of a recovery: see package recovery.
const (
	RecoveryRequested Name = "recovery.requested"
	RecoveryReminder  Name = "recovery.reminder"
	RecoveryCancelled Name = "recovery.cancelled"
	RecoveryCompleted Name = "recovery.completed"
)

// Kind describes a type of event.
type Kind struct {
	Name Name
	Text string
	// Notify events are told to the user over a channel other than the one that changed.
	Notify bool
	// Routine acts happen at every check of a code or every sign-in. They stand only in the audit
	// log: an event would cost as much as the check.
	Routine bool
	// AtWill acts can be repeated at will by any client. A repetition within a day raises the count
	// of its audit entry, and an overwritten page does not keep them.
	AtWill bool
	// LogOnly events stand in the log and the metrics alone, because any client can cause many of
	// them by requesting messages.
	LogOnly bool
}

var all = []Kind{
	{Name: UserCreated, Text: "a user was created"},
	{Name: UserUpdated, Text: "the user or the Backend API changed a profile", AtWill: true},
	{Name: UsernameSet, Text: "the user changed the own username", Notify: true},
	{Name: UserDeleted, Text: "a user was deleted, with its audit log"},
	{Name: UserLocked, Text: "wrong codes or the Backend API locked a user", Notify: true},
	{Name: UserUnlocked, Text: "the Backend API unlocked a user"},
	{Name: UserBanned, Text: "the Backend API banned a user"},
	{Name: UserUnbanned, Text: "the Backend API lifted a ban"},
	{Name: MFARequired, Text: "the Backend API marked a user as required to have a second factor, or changed the date"},
	{Name: MFAOptional, Text: "the Backend API removed that mark"},
	{Name: Stranded, Text: "a sign-in needs a second factor that the user cannot prove; once a day"},
	{Name: RecoveryRequested, Text: "a person with the first factor asked to remove the second factors", Notify: true},
	{Name: RecoveryReminder, Text: "such a request still waits; once a day", Notify: true},
	{Name: RecoveryCancelled, Text: "such a request was cancelled", Notify: true},
	{Name: RecoveryCompleted, Text: "such a request removed every second factor", Notify: true},
	{Name: FactorAdded, Text: "a second factor or passkey was added", Notify: true},
	{Name: FactorRemoved, Text: "a second factor or passkey was removed", Notify: true},
	{Name: FactorReset, Text: "the Backend API removed every second factor and passkey", Notify: true},
	{Name: FactorDisabled, Text: "a hundred wrong codes in a row disabled a second factor", Notify: true},
	{Name: FactorDefault, Text: "another number became the default second factor", Notify: true},
	{Name: FactorUsed, Text: "a correct code or passkey was used", Routine: true, AtWill: true},
	{Name: CodeSent, Text: "a code was sent", AtWill: true},
	{Name: CodeWrong, Text: "a wrong code or passkey was given", Routine: true, AtWill: true},
	{Name: Replay, Text: "an unknown device gave a used code", Notify: true, AtWill: true},
	{Name: PasskeyCopied, Text: "the counter of a passkey went back: a copy may exist, so it is blocked", Notify: true},
	{Name: BackupMade, Text: "backup codes were made; older ones are invalid", Notify: true},
	{Name: BackupUsed, Text: "a backup code was used", Notify: true},
	{Name: BackupRemoved, Text: "backup codes were removed", Notify: true},
	{Name: PasswordSet, Text: "the user or the Backend API set a password", Notify: true},
	{Name: PasswordWrong, Text: "a wrong password was given", Routine: true, AtWill: true},
	{Name: NumberAdded, Text: "an unverified phone number was added", Notify: true},
	{Name: NumberVerified, Text: "a phone number was verified", Notify: true},
	{Name: NumberDoubted, Text: "the Backend API withdrew a number's verification", Notify: true},
	{Name: NumberRemoved, Text: "a phone number was removed", Notify: true},
	{Name: NumberRefused, Text: "a user tried to add another user's number", AtWill: true},
	{Name: SendFailed, Text: "the SMS provider refused a message", AtWill: true},
	{Name: Undelivered, Text: "the SMS provider did not deliver a message that it had accepted", AtWill: true},
	{Name: TicketCreated, Text: "an operator made a sign-in token: the request named an operator or a reason"},
	{Name: TicketUsed, Text: "a sign-in token was used", Routine: true, AtWill: true},
	{Name: SignedIn, Text: "a sign-in was completed", AtWill: true},
	{Name: SignedOut, Text: "a user ended a session", AtWill: true},
	{Name: SessionRemoved, Text: "a user signed out and removed a session", AtWill: true},
	{Name: SessionRevoked, Text: "the user or the Backend API revoked a session", AtWill: true},
	{Name: SignedOutAll, Text: "all sessions of a user were revoked"},
	{Name: OthersRevoked, Text: "a user revoked all sessions but the acting one"},
	{Name: Reverified, Text: "a step-up was completed", AtWill: true},
	{Name: DeviceRemembered, Text: "a user had a device remembered, which needs no second factor now", Notify: true},
	{Name: DeviceForgotten, Text: "the user or the Backend API had a remembered device forgotten"},
	{Name: SettingsChanged, Text: "settings were changed"},
	{Name: SMSRefused, Text: "the SMS guard refused a message", LogOnly: true},
	{Name: BreakerTripped, Text: "too many unverified messages: new ones are refused", LogOnly: true},
	{Name: SpentHalf, Text: "50% of the daily SMS budget is spent; once a day and process", LogOnly: true},
	{Name: SpentMost, Text: "80% of the daily SMS budget is spent", LogOnly: true},
	{Name: SpentAll, Text: "the daily SMS budget refused a message", LogOnly: true},
	{Name: HookTest, Text: "the Backend API asked for a test"},
	{Name: HookFailed, Text: "ten deliveries to an endpoint failed"},
}

var kindOf = func() map[Name]Kind {
	kinds := map[Name]Kind{}
	for _, k := range all {
		kinds[k.Name] = k
	}
	return kinds
}()

// All returns all types of events.
func All() []Kind { return append([]Kind(nil), all...) }

// Kind returns the description of the event.
func (n Name) Kind() Kind { return kindOf[n] }

// Routine reports whether the act stands only in the audit log.
func (n Name) Routine() bool { return n.Kind().Routine }

// Repeats reports whether a repetition within a day only raises the count of the audit entry. A
// refused number is an entry like an added number: otherwise the number of writes would tell
// whether the number is taken.
func (n Name) Repeats() bool {
	switch n {
	case FactorDefault, BackupMade, PasswordSet, UsernameSet, DeviceRemembered:
		return true
	}
	return n.Kind().AtWill && n != NumberRefused
}

// RepeatsForAnySubject reports whether such an act counts up for any subject, because its subject
// is new each time.
func (n Name) RepeatsForAnySubject() bool {
	switch n {
	case TicketUsed, SignedIn, SignedOut, SessionRemoved, SessionRevoked, Reverified, BackupMade:
		return true
	}
	return false
}
