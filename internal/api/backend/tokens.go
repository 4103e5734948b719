package backend

import (
	"encoding/json"
	"fmt"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// JWKSGet is GET /v1/jwks.
func JWKSGet() operation.Operation {
	return row("backend-jwks-get", "GET /v1/jwks", "The keys that verify session tokens", 0, getJWKS)
}

// HandshakePayloadGet is GET /v1/clients/handshake_payload.
func HandshakePayloadGet() operation.Operation {
	return row("handshake-payload-get", "GET /v1/clients/handshake_payload",
		"What a handshake nonce stands for, once", operation.Deletes, getHandshakePayload,
		operation.NotFound)
}

func getJWKS(c *operation.Call, _ operation.Empty) (operation.Document, error) {
	doc, err := c.Service.Tokens.JWKS(c)
	if err != nil {
		return nil, err
	}
	c.Answer.Header().Set("Cache-Control", "public, max-age=300")
	return doc, nil
}

// HandshakePayload is the list of Set-Cookie lines that a handshake nonce stands for.
type HandshakePayload struct {
	Directives []string `json:"directives"`
}

type handshakePayloadInput struct {
	Nonce secret.Value `query:"nonce" rules:"required"`
}

func getHandshakePayload(c *operation.Call, in handshakePayloadInput) (HandshakePayload, error) {
	payload, err := c.Service.Tokens.TakeHandshake(c, in.Nonce)
	if err != nil {
		return HandshakePayload{}, err
	}
	var out HandshakePayload
	if err := json.Unmarshal([]byte(payload.Reveal()), &out.Directives); err != nil {
		return HandshakePayload{}, fmt.Errorf("decode handshake: %w", err)
	}
	return out, nil
}
