// Package account holds the records of the domain and their rules: users and factors, clients and
// sessions, settings, codes, audit and event logs. It does no I/O.
package account

// EventName is the type of an event, as the event log and webhooks show it.
type EventName string

// The events. Names that Clerk's webhooks have mean what they mean there.
const (
	EventUserCreated     EventName = "user.created"
	EventUserUpdated     EventName = "user.updated"
	EventUserDeleted     EventName = "user.deleted"
	EventUsernameSet     EventName = "username.changed"
	EventUserLocked      EventName = "user.locked"
	EventUserUnlocked    EventName = "user.unlocked"
	EventUserBanned      EventName = "user.banned"
	EventUserUnbanned    EventName = "user.unbanned"
	EventFactorAdded     EventName = "factor.added"
	EventFactorRemoved   EventName = "factor.removed"
	EventFactorReset     EventName = "factor.reset"
	EventFactorDisabled  EventName = "factor.disabled"
	EventFactorDefault   EventName = "factor.default_changed"
	EventFactorUsed      EventName = "factor.used"
	EventCodeSent        EventName = "code.sent"
	EventCodeWrong       EventName = "code.wrong"
	EventReplay          EventName = "code.replayed"
	EventBackupMade      EventName = "backup_code.made"
	EventBackupUsed      EventName = "backup_code.used"
	EventBackupRemoved   EventName = "backup_code.removed"
	EventPasswordSet     EventName = "password.changed"
	EventPasswordWrong   EventName = "password.wrong"
	EventNumberAdded     EventName = "phone_number.added"
	EventNumberVerified  EventName = "phone_number.verified"
	EventNumberDoubted   EventName = "phone_number.unverified"
	EventNumberRemoved   EventName = "phone_number.removed"
	EventNumberRefused   EventName = "phone_number.refused"
	EventSendFailed      EventName = "sms.failed"
	EventUndelivered     EventName = "sms.undelivered"
	EventTicketUsed      EventName = "sign_in_token.used"
	EventSignedIn        EventName = "session.created"
	EventSignedOut       EventName = "session.ended"
	EventSessionRemoved  EventName = "session.removed"
	EventSessionRevoked  EventName = "session.revoked"
	EventSignedOutAll    EventName = "session.all_revoked"
	EventOthersRevoked   EventName = "session.others_revoked"
	EventStranded        EventName = "user.stranded"
	EventReverified      EventName = "session.reverified"
	EventSettingsChanged EventName = "settings.changed"
	EventSMSRefused      EventName = "sms.refused"
	EventBreakerTripped  EventName = "sms.breaker_tripped"
	EventSpentHalf       EventName = "sms.spent_50"
	EventSpentMost       EventName = "sms.spent_80"
	EventSpentAll        EventName = "sms.spent_100"
	EventHookTest        EventName = "webhook.test"
	EventHookFailed      EventName = "webhook.failed"
)

// EventKind describes a type of event.
type EventKind struct {
	Name EventName
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

var eventKinds = []EventKind{
	{Name: EventUserCreated, Text: "a user was created"},
	{Name: EventUserUpdated, Text: "the user or the Backend API changed a profile", AtWill: true},
	{Name: EventUsernameSet, Text: "the user changed the own username", Notify: true},
	{Name: EventUserDeleted, Text: "a user was deleted, with its audit log"},
	{Name: EventUserLocked, Text: "wrong codes or the Backend API locked a user", Notify: true},
	{Name: EventUserUnlocked, Text: "the Backend API unlocked a user"},
	{Name: EventUserBanned, Text: "the Backend API banned a user"},
	{Name: EventUserUnbanned, Text: "the Backend API lifted a ban"},
	{Name: EventStranded, Text: "a sign-in needs a second factor that the user cannot prove; once a day"},
	{Name: EventFactorAdded, Text: "a second factor was added", Notify: true},
	{Name: EventFactorRemoved, Text: "a second factor was removed", Notify: true},
	{Name: EventFactorReset, Text: "the Backend API removed every second factor", Notify: true},
	{Name: EventFactorDisabled, Text: "a hundred wrong codes in a row disabled a second factor", Notify: true},
	{Name: EventFactorDefault, Text: "another number became the default second factor", Notify: true},
	{Name: EventFactorUsed, Text: "a correct code was used", Routine: true, AtWill: true},
	{Name: EventCodeSent, Text: "a code was sent", AtWill: true},
	{Name: EventCodeWrong, Text: "a wrong code was given", Routine: true, AtWill: true},
	{Name: EventReplay, Text: "an unknown device gave a used code", Notify: true, AtWill: true},
	{Name: EventBackupMade, Text: "backup codes were made; older ones are invalid", Notify: true},
	{Name: EventBackupUsed, Text: "a backup code was used", Notify: true},
	{Name: EventBackupRemoved, Text: "backup codes were removed", Notify: true},
	{Name: EventPasswordSet, Text: "the user or the Backend API set a password", Notify: true},
	{Name: EventPasswordWrong, Text: "a wrong password was given", Routine: true, AtWill: true},
	{Name: EventNumberAdded, Text: "an unverified phone number was added", Notify: true},
	{Name: EventNumberVerified, Text: "a phone number was verified", Notify: true},
	{Name: EventNumberDoubted, Text: "the Backend API withdrew a number's verification", Notify: true},
	{Name: EventNumberRemoved, Text: "a phone number was removed", Notify: true},
	{Name: EventNumberRefused, Text: "a user tried to add another user's number", AtWill: true},
	{Name: EventSendFailed, Text: "the SMS provider refused a message", AtWill: true},
	{Name: EventUndelivered, Text: "the SMS provider did not deliver a message that it had accepted", AtWill: true},
	{Name: EventTicketUsed, Text: "a sign-in token was used", Routine: true, AtWill: true},
	{Name: EventSignedIn, Text: "a sign-in was completed", AtWill: true},
	{Name: EventSignedOut, Text: "a user ended a session", AtWill: true},
	{Name: EventSessionRemoved, Text: "a user signed out and removed a session", AtWill: true},
	{Name: EventSessionRevoked, Text: "the user or the Backend API revoked a session", AtWill: true},
	{Name: EventSignedOutAll, Text: "all sessions of a user were revoked"},
	{Name: EventOthersRevoked, Text: "a user revoked all sessions but the acting one"},
	{Name: EventReverified, Text: "a step-up was completed", AtWill: true},
	{Name: EventSettingsChanged, Text: "settings were changed"},
	{Name: EventSMSRefused, Text: "the SMS guard refused a message", LogOnly: true},
	{Name: EventBreakerTripped, Text: "too many unverified messages: new ones are refused", LogOnly: true},
	{Name: EventSpentHalf, Text: "50% of the daily SMS budget is spent; once a day and process", LogOnly: true},
	{Name: EventSpentMost, Text: "80% of the daily SMS budget is spent", LogOnly: true},
	{Name: EventSpentAll, Text: "the daily SMS budget refused a message", LogOnly: true},
	{Name: EventHookTest, Text: "the Backend API asked for a test"},
	{Name: EventHookFailed, Text: "ten deliveries to an endpoint failed"},
}

var kindOf = func() map[EventName]EventKind {
	kinds := map[EventName]EventKind{}
	for _, k := range eventKinds {
		kinds[k.Name] = k
	}
	return kinds
}()

// EventKinds returns all types of events.
func EventKinds() []EventKind { return append([]EventKind(nil), eventKinds...) }

// Kind returns the description of the event.
func (n EventName) Kind() EventKind { return kindOf[n] }

// Routine reports whether the act stands only in the audit log.
func (n EventName) Routine() bool { return n.Kind().Routine }

// Repeats reports whether a repetition within a day only raises the count of the audit entry. A
// refused number is an entry like an added number: otherwise the number of writes would tell
// whether the number is taken.
func (n EventName) Repeats() bool {
	switch n {
	case EventFactorDefault, EventBackupMade, EventPasswordSet, EventUsernameSet:
		return true
	}
	return n.Kind().AtWill && n != EventNumberRefused
}

// repeatsForAnySubject reports whether such an act counts up for any subject, because its subject
// is new each time.
func (n EventName) repeatsForAnySubject() bool {
	switch n {
	case EventTicketUsed, EventSignedIn, EventSignedOut, EventSessionRemoved, EventSessionRevoked, EventReverified, EventBackupMade:
		return true
	}
	return false
}
