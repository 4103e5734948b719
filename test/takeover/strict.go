package takeover

const (
	// never is the age of a factor that was not verified.
	never = -1
	// longest is the greatest age of a verification that counts, in minutes: no session lives longer
	// than seven days.
	longest = 7 * 24 * 60
	// strictMinutes is the age from which a verification is too old for strict_mfa.
	strictMinutes = 10
)

// acceptedForStrictMFA says whether Clerk's SDK accepts a token for has({ reverification:
// "strict_mfa" }). The rule is Clerk's: checkReverificationAuthorization of authorization.ts in
// @clerk/shared 4. "strict_mfa" is the level "multi_factor" within 10 minutes. A second age of -1
// means that the user has no second factor, so the first factor alone is enough. A token of a
// pending session counts as none (treatPendingAsSignedOut, on by default).
func (t token) acceptedForStrictMFA() bool {
	if t.Status == "pending" {
		return false
	}
	first, second := t.Ages[0], t.Ages[1]
	firstFresh := first != never && first < strictMinutes
	if second == never {
		return firstFresh
	}
	return firstFresh && second < strictMinutes
}

// second says whether the token claims a verified second factor.
func (t token) second() bool { return t.Ages[1] >= 0 && t.Ages[1] <= longest }

// proved returns when a factor was verified, in Unix seconds. Ages are whole minutes.
func (t token) proved(factor int) int64 { return t.Issued - int64(t.Ages[factor])*60 }
