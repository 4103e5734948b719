package takeover

// Profiles returns the profiles of the search. Each makes other journeys common, and all goals
// count in each.
func Profiles() []Profile {
	even := [clock + 1]int{owner: 10, thief: 8, cookieThief: 4, admin: 2, clock: 3}
	return []Profile{
		{Name: "the password, and a stale cookie", Weights: even, Steps: 40},
		{Name: "the password and a stale cookie in one hand", Both: true, Weights: [clock + 1]int{8, 2, 10, 1, 4}, Steps: 40},
		{Name: "a phone number", Thief: OwnNumber, Weights: even, Steps: 40},
		{Name: "a number that was the owner's", Thief: OwnNumber, Guest: true, Bare: true, Recycled: true, Texts: true, Weights: [clock + 1]int{2, 9, 1, 2, 1}, Steps: 20, Plans: textPlans},
		{Name: "used codes", Thief: UsedCode, Enrolled: true, Weights: even, Steps: 40},
		{Name: "a revoked key", Thief: RevokedKey, Weights: even, Steps: 40},
		{Name: "the first second factor", Thief: OwnNumber, Bare: true, Weights: [clock + 1]int{10, 10, 0, 0, 2}, Steps: 18, Plans: firstPlans},
		{Name: "sessions that are kept", Thief: OwnNumber, Bare: true, Keep: true, Weights: [clock + 1]int{10, 12, 1, 0, 1}, Steps: 20, Plans: keptPlans},
		{Name: "changes in sessions that prove too little", Thief: OwnNumber, Bare: true, Keep: true, Both: true, Weights: [clock + 1]int{8, 9, 7, 0, 2}, Steps: 30, Plans: changePlans},
		{Name: "a reset", Bare: true, Keep: true, Weights: [clock + 1]int{8, 8, 0, 3, 1}, Steps: 24, Plans: resetPlans},
		{Name: "enforced enrolment", Bare: true, Required: true, Weights: [clock + 1]int{10, 9, 1, 1, 2}, Steps: 16, Plans: firstPlans},
		{Name: "an enrolment that was left", Bare: true, Weights: [clock + 1]int{8, 4, 8, 0, 5}, Steps: 16, Plans: leftPlans},
		{Name: "endings", Enrolled: true, Weights: [clock + 1]int{5, 8, 1, 8, 1}, Steps: 20, Plans: endingPlans},
		{Name: "endings of users without a second factor", Bare: true, Weights: [clock + 1]int{4, 8, 1, 6, 1}, Steps: 20, Plans: endingPlans},
		{Name: "a planted cookie", Weights: [clock + 1]int{10, 0, 8, 0, 1}, Steps: 16, Plans: plantPlans},
		{Name: "a remembered browser", Enrolled: true, Remember: true, Weights: [clock + 1]int{12, 6, 6, 2, 2}, Steps: 30, Plans: rememberedPlans},
		{Name: "a remembered browser, and the password", Enrolled: true, Remember: true, Both: true, Weights: [clock + 1]int{12, 2, 8, 3, 2}, Steps: 30, Plans: rememberedPlans},
		{Name: "passkeys", Thief: UsedCode, Keys: true, Enrolled: true, Weights: even, Steps: 40, Plans: keyPlans},
		{Name: "the first passkey", Both: true, Keys: true, Bare: true, Keep: true, Weights: [clock + 1]int{10, 10, 4, 1, 2}, Steps: 30, Plans: keyPlans},
		{Name: "a recovery", Enrolled: true, Recovers: true, Weights: [clock + 1]int{12, 8, 4, 1, 2}, Steps: 40, Plans: recoveryPlans},
		{Name: "a crowd of sessions", Bare: true, Weights: [clock + 1]int{5, 5, 1, 1, 0}, Steps: 8, Plans: crowdPlans, Slow: true},
	}
}

var (
	firstPlans = map[role][]plan{
		owner: {{4, signsIn}, {6, join(signsIn, enrolsApp)}, {6, join(signsIn, enrolsNumber)}, {3, enrolsApp}, {2, beginsApp}, {3, enrolsNumber}, {1, []string{"me-phone-number-update"}}, {1, []string{"client-get"}}},
		thief: {
			{6, signsIn}, {4, join(signsIn, enrolsApp)}, {6, join(signsIn, enrolsNumber)}, {2, enrolsApp}, {2, enrolsNumber}, {2, []string{"me-phone-number-attempt"}}, {2, []string{"me-totp-attempt"}}, {2, []string{"me-phone-number-update"}},
			{2, []string{"client-get"}}, {2, stepsUp}, {1, []string{"session-touch"}}, {1, []string{"me-totp-delete"}}, {1, []string{many + "me-totp-attempt"}},
		},
	}
	keptPlans = map[role][]plan{
		owner: {{1, signsIn}, {7, join(signsIn, enrolsApp)}, {7, join(signsIn, enrolsNumber)}},
		thief: {
			{1, signsIn}, {6, join(signsIn, beginsApp)}, {8, join(signsIn, beginsNumber)}, {1, enrolsNumber}, {1, []string{"me-totp-delete"}}, {1, []string{"me-phone-number-delete"}},
			{1, []string{"me-phone-number-update"}}, {1, stepsUp}, {1, []string{"me-backup-codes-create"}},
		},
	}
	changePlans = map[role][]plan{
		owner:       {{6, join(signsIn, enrolsNumber, enrolsApp)}, {4, join(signsIn, enrolsApp, enrolsNumber)}, {2, join(signsIn, enrolsNumber, enrolsNumber)}},
		thief:       {{4, signsIn}, {2, join(signsIn, enrolsNumber)}, {8, join(stepsUpFirst, []string{changeFactor, changeFactor})}, {4, []string{changeFactor}}},
		cookieThief: {{4, []string{copyCookie}}, {8, join(stepsUpFirst, []string{changeFactor, changeFactor})}, {4, []string{changeFactor}}},
	}
	resetPlans = map[role][]plan{
		owner: {{2, signsIn}, {6, join(signsIn, enrolsApp)}, {4, join(signsIn, enrolsNumber)}},
		thief: {{6, join(signsIn, enrolsApp)}, {2, []string{"client-get"}}, {1, stepsUp}, {1, []string{"me-totp-delete"}}},
		admin: {{4, []string{"user-mfa-delete"}}, {2, []string{"user-totp-delete"}}, {1, []string{"user-update"}}},
	}
	leftPlans = map[role][]plan{
		owner:       {{3, signsIn}, {8, join(signsIn, beginsApp)}, {2, beginsApp}, {1, enrolsNumber}},
		cookieThief: {{4, []string{copyCookie}}, {6, []string{many + "me-totp-attempt"}}, {1, enrolsApp}, {1, []string{"client-get"}}},
	}
	textPlans = map[role][]plan{
		thief: {{8, signsInText}, {4, join(signsInText, []string{pauseAction}, stepsUpText)}, {2, signsIn}, {1, []string{"client-get"}}},
		admin: {{4, []string{"phone-number-delete"}}, {4, []string{"phone-number-update"}}, {1, []string{"instance-update"}}},
	}
	endingPlans = map[role][]plan{
		thief: {{8, signsIn}, {3, []string{"client-get"}}, {2, []string{"session-touch"}}, {2, []string{"sign-in-get"}}, {2, []string{"sign-in-second-factor-prepare"}}},
		admin: {{3, []string{"user-ban", "user-unban"}}, {3, []string{"user-update"}}, {2, []string{"admin-session-revoke"}}, {1, []string{"user-mfa-delete"}}},
	}
	plantPlans = map[role][]plan{
		owner:       {{8, signsIn}, {2, join(signsIn, enrolsApp)}, {2, []string{"client-delete"}}},
		cookieThief: {{6, []string{"client-create", plantCookie}}, {4, []string{"client-get"}}, {1, []string{"me-get"}}, {1, []string{"client-handshake"}}},
	}
	rememberedPlans = map[role][]plan{
		owner: {
			{12, signsIn}, {8, []string{"session-end"}}, {2, []string{"me-remembered-devices-list", "me-remembered-device-delete"}}, {1, []string{"me-remembered-devices-delete"}},
			{1, join(stepsUp, []string{changeFactor})}, {1, join(stepsUp, []string{"me-sessions-revoke-others"})}, {1, join(stepsUp, []string{"me-password-change"})},
		},
		thief:       {{8, signsIn}, {1, []string{"client-get"}}, {1, []string{"me-remembered-devices-list"}}},
		cookieThief: {{6, []string{copyCookie}}, {8, signsIn}, {2, []string{"client-get"}}, {3, stepsUp}, {3, []string{changeFactor}}, {2, []string{"me-remembered-devices-list"}}, {1, []string{"me-password-change"}}},
		admin: {
			{2, []string{"user-remembered-device-delete"}}, {1, []string{"user-lock", "user-unlock"}}, {1, []string{"user-ban", "user-unban"}}, {2, []string{"user-update"}}, {1, []string{"user-mfa-delete"}},
			{1, []string{"admin-session-revoke"}}, {3, []string{"instance-update"}},
		},
	}
	keyPlans = map[role][]plan{
		owner: {
			{4, signsIn}, {8, join(signsIn, enrolsKey)}, {5, signsInKey}, {4, join(signsIn, enrolsApp)}, {3, join(stepsUpKey, []string{"me-passkey-delete"})}, {2, join(stepsUpKey, enrolsKey)},
			{1, []string{"me-passkey-get", "me-passkey-update"}}, {2, stepsUpKey}, {1, []string{"client-get"}}, {1, []string{"session-end"}},
		},
		thief: {
			{6, signsIn}, {5, join(signsIn, enrolsKey)}, {2, join(signsIn, []string{"me-passkey-create"})}, {5, signsInKey}, {4, enrolsKey}, {3, []string{"me-passkey-attempt"}}, {2, []string{"me-passkey-delete"}}, {2, stepsUpKey},
			{2, []string{"client-get"}}, {1, []string{"me-passkey-update"}}, {2, []string{"sign-in-second-factor-prepare", "sign-in-second-factor-attempt"}}, {1, []string{seeUsedCode}},
		},
		cookieThief: {
			{8, []string{copyCookie}}, {4, enrolsKey}, {3, []string{"me-passkey-attempt"}}, {3, []string{"me-passkey-delete"}}, {3, stepsUpKey}, {2, []string{"client-get"}}, {1, []string{"me-passkey-update"}},
		},
		admin: {{2, []string{"user-mfa-delete"}}, {3, []string{"user-passkey-delete"}}, {2, []string{"user-update"}}, {1, []string{"user-ban", "user-unban"}}},
	}
	recoveryPlans = map[role][]plan{
		owner: {
			{8, signsIn}, {12, []string{"me-recovery-cancel"}}, {1, asks}, {1, join(stepsUp, []string{changeFactor})}, {5, join(signsIn, enrolsNumber, []string{"me-phone-number-update"})}, {1, join(stepsUp, []string{"me-password-change"})},
			{1, []string{"session-end"}},
		},
		thief:       {{5, asks}, {6, join(asks, waitsDays, signsIn)}, {2, []string{"me-recovery-cancel"}}, {2, []string{"client-get"}}, {2, signsIn}, {1, enrolsApp}},
		cookieThief: {{5, []string{copyCookie}}, {3, asks}, {3, []string{"me-recovery-cancel"}}, {2, []string{"client-get"}}},
		admin:       {{4, []string{"user-recovery-cancel"}}, {1, []string{"user-lock", "user-unlock"}}, {1, []string{"user-update"}}, {1, []string{"user-mfa-delete"}}, {1, []string{"user-totp-delete"}}},
	}
	crowdPlans = map[role][]plan{
		owner: {{6, signsIn}, {1, []string{openManySessions}}, {4, []string{"client-get"}}, {1, []string{"session-end"}}},
		thief: {{6, signsIn}, {1, []string{openManySessions}}, {4, []string{"client-get"}}, {1, []string{"session-touch"}}},
	}
)
