package appearance_test

import (
	"testing"

	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

// TestWordsThatSafetyDependsOn repeats the texts about locks, factors, codes and sessions. A text
// with the opposite meaning or under a wrong key would pass the tests that read the same file.
func TestWordsThatSafetyDependsOn(t *testing.T) {
	texts := appearance.Texts()["en"]
	for key, want := range map[string]string{
		"security.state.on":                        "Two-step sign-in is on. A password alone does not open your account.",
		"security.state.off":                       "Two-step sign-in is off. Add an app or a number, so that a stolen password is not enough.",
		"codes.once":                               "They are shown only this once.",
		"codes.text":                               "Ten one-time codes for when you can’t use your phone or app.",
		"codes.replace.text":                       "You have backup codes already. New codes make the old ones invalid.",
		"codes.unsaved":                            "Please save the codes first, then tick the box.",
		"backup.text":                              "Enter one of the codes you saved. Each works once.",
		"user_locked.advice":                       "There were too many wrong tries. Your account is safe; nobody can sign in until the lock ends. If these tries were not yours, change your password afterwards.",
		"security.app.remove.text":                 "The codes for {who} in your app stop working. To use a new phone, add an app there afterwards.",
		"security.last":                            "Turn off two-step sign-in?",
		"security.last.text":                       "This is your only second step. A password alone will then open your account.",
		"security.last.codes":                      "This is your only second step. Your backup codes stop working too, and a password alone will then open your account.",
		"security.last.done":                       "Two-step sign-in was turned off.",
		"security.phone.stop.text":                 "It stays on your account but receives no more codes.",
		"security.phone.used":                      "The number now receives sign-in codes.",
		"security.phone.stopped":                   "The number receives no more codes.",
		"security.phone.defaulted":                 "This number is now asked first.",
		"security.sessions.ended":                  "Signed out there.",
		"security.rest.text":                       "They receive no codes when you sign in.",
		"error.user_banned":                        "This account cannot be used.",
		"error.user_locked":                        "Too many wrong tries. Please come back later.",
		"error.second_factor_deletion_not_allowed": "A second step is required here. Add another one before you remove this one.",
		"error.session_exists":                     "You are signed in already.",
		"error.authentication_invalid":             "You are signed out. Please sign in again.",
		"error.ticket_expired_code":                "This sign-in link has expired.",
		"error.sign_in_token_already_used_code":    "This sign-in link was used already.",
		"error.sign_in_token_revoked_code":         "This sign-in link was withdrawn.",
		"error.form_code_incorrect":                "This code is not right. Check it and try again.",
		"error.verification_expired":               "This code is too old. Send a new one.",
		"error.verification_failed":                "Too many wrong codes. Start again later, or use another way.",
		"event.user.locked":                        "Account locked",
		"event.user.unlocked":                      "Lock ended",
		"event.user.banned":                        "Account closed",
		"event.user.unbanned":                      "Account opened again",
		"event.factor.added":                       "Second step added",
		"event.factor.removed":                     "Second step removed",
		"event.factor.disabled":                    "Second step switched off after too many wrong codes",
		"event.factor.used":                        "Second step completed",
		"event.factor.reset":                       "Every second step removed",
		"event.backup_code.used":                   "Backup code used",
		"event.backup_code.made":                   "Backup codes created",
		"event.backup_code.removed":                "Backup codes removed",
		"event.code.replayed":                      "A used code was tried again",
		"event.code.wrong":                         "Wrong code",
		"event.password.wrong":                     "Wrong password",
		"event.password.changed":                   "Password set",
		"event.phone_number.added":                 "Number added",
		"event.phone_number.verified":              "Number verified",
		"event.phone_number.removed":               "Number removed",
		"event.phone_number.unverified":            "Number no longer verified",
		"event.session.created":                    "Signed in",
		"event.session.ended":                      "Signed out",
		"event.session.revoked":                    "A device was signed out",
		"event.session.all_revoked":                "Signed out everywhere",
		"dash.islocked":                            "Locked",
		"dash.open":                                "Not locked",
		"dash.lock":                                "Lock for an hour",
		"dash.unlock":                              "Unlock",
		"dash.done.lock":                           "Locked for an hour.",
		"dash.done.unlock":                         "Unlocked.",
	} {
		if texts[key] != want {
			t.Errorf("%s says %q, want %q", key, texts[key], want)
		}
	}
}
