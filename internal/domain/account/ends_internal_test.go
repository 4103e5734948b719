package account

import "testing"

// TestAClaimWithAUserNeverEnds: whatever time it still carries.
func TestAClaimWithAUserNeverEnds(t *testing.T) {
	if c := (&Claim{User: "u", Expires: 1}); !c.EndsAt().IsZero() || !c.NextExpiry().IsZero() {
		t.Error("the claim of a user may be deleted")
	}
	if c := (&Claim{Expires: 1}); c.EndsAt().IsZero() {
		t.Error("a claim without a user stays for ever")
	}
}
