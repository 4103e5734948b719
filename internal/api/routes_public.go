package api

import "net/http"

// ClientHandshake is the row of client-handshake: tell an application's server what its cookies should be.
func ClientHandshake() Operation {
	op := row(Frontend, "client-handshake", get, "/v1/client/handshake",
		"Tell an application's server what its cookies should be", Writes|Limited|Signs, handshake, invalid...)
	op.Status = http.StatusTemporaryRedirect
	return op
}

// JWKSGet is the row of jwks-get: the keys that verify session tokens.
func JWKSGet() Operation {
	return row(Public, "jwks-get", get, "/.well-known/jwks.json", "The keys that verify session tokens", Signs, getJWKS)
}

// OpenIDConfigurationGet is the row of openid-configuration-get: where the keys are.
func OpenIDConfigurationGet() Operation {
	return row(Public, "openid-configuration-get", get, "/.well-known/openid-configuration", "Where the keys are", 0, getOpenIDConfiguration)
}

// HealthGet is the row of health-get: whether the service answers and reaches its store.
func HealthGet() Operation {
	return row(Public, "health-get", get, "/healthz", "Whether the service answers and reaches its store", 0, getHealth)
}
