package backend

import (
	"time"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// testingTokenLife is the time until the ExpiresAt of a testing token.
const testingTokenLife = time.Hour

// TestingTokenCreate is POST /v1/testing_tokens.
func TestingTokenCreate() operation.Operation {
	return row("testing-token-create", "POST /v1/testing_tokens",
		"A token that Clerk's test tools ask for, in development; it opens nothing", 0, createTestingToken,
		testsOnly)
}

// TestingToken is what Clerk's test tools send as __clerk_testing_token. At Clerk it turns off the
// protection from bots. Here there is none, so no request looks at the token.
type TestingToken struct {
	Object    string `json:"object"`
	Token     string `json:"token"`
	ExpiresAt int64  `json:"expires_at"` // Unix seconds
}

func createTestingToken(c *operation.Call, _ operation.Empty) (TestingToken, error) {
	if err := checkDevelopment(c); err != nil {
		return TestingToken{}, err
	}
	now := c.Service.Now()
	random, err := account.RandomText(c.Service.Rand, 16)
	if err != nil {
		return TestingToken{}, err
	}
	return TestingToken{Object: "testing_token", Token: random, ExpiresAt: now.Add(testingTokenLife).Unix()}, nil
}
