package frontend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
)

// JWKSGet is GET /.well-known/jwks.json.
func JWKSGet() operation.Operation {
	return operation.New(operation.Public, "jwks-get", "GET /.well-known/jwks.json",
		"The keys that verify session tokens", 0, getJWKS)
}

// OpenIDConfigurationGet is GET /.well-known/openid-configuration.
func OpenIDConfigurationGet() operation.Operation {
	return operation.New(operation.Public, "openid-configuration-get", "GET /.well-known/openid-configuration",
		"Where the keys are", 0, getOpenIDConfiguration)
}

// HealthGet is GET /healthz.
func HealthGet() operation.Operation {
	return operation.New(operation.Public, "health-get", "GET /healthz",
		"Whether the service answers and reaches its store", 0, getHealth)
}

func getJWKS(c *operation.Call, _ operation.Empty) (operation.Document, error) {
	doc, err := c.Service.Tokens.JWKS(c)
	if err != nil {
		return nil, err
	}
	c.Answer.Header().Set("Cache-Control", "public, max-age=300")
	return doc, nil
}

// OpenIDConfiguration is the part of OpenID Connect Discovery that a verifier of session tokens
// needs.
type OpenIDConfiguration struct {
	Issuer     string   `json:"issuer"`
	JWKSURI    string   `json:"jwks_uri"`
	Algorithms []string `json:"id_token_signing_alg_values_supported"`
	Subjects   []string `json:"subject_types_supported"`
	Claims     []string `json:"claims_supported"`
}

func getOpenIDConfiguration(c *operation.Call, _ operation.Empty) (OpenIDConfiguration, error) {
	return OpenIDConfiguration{
		Issuer: c.Service.Issuer(), JWKSURI: c.PublicURL + "/.well-known/jwks.json", Algorithms: []string{"RS256"}, Subjects: []string{"public"},
		Claims: []string{"iss", "sub", "sid", "iat", "nbf", "exp", "azp", "fva", "sts", "v", "jti"},
	}, nil
}

// Health is the answer of a process that reaches its store.
type Health struct {
	Status string `json:"status"`
}

func getHealth(c *operation.Call, _ operation.Empty) (Health, error) {
	return Health{Status: "ok"}, c.Service.Tokens.Ping(c)
}
