package passkey

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a response, in bytes before decoding unless the name says otherwise. profile.md has the
// reasons.
const (
	MaxResponse       = 32 << 10
	maxNesting        = 8
	maxMembers        = 32
	maxClientData     = 4 << 10  // decoded
	maxAttestation    = 16 << 10 // decoded
	maxAuthenticator  = 2 << 10  // decoded
	maxSignature      = maxModulus / 8
	maxUserHandle     = 64 // decoded, section 5.4.3
	maxTransports     = 8
	maxTransportChars = 32
)

// Presented is an answer to get that is not verified yet. Its credential id, and for a sign-in
// without a known user also the user handle, say which credential to read.
type Presented struct {
	credentialID, userHandle             []byte
	clientData, authenticator, signature []byte
}

// CredentialID returns the claimed credential.
func (p Presented) CredentialID() []byte { return p.credentialID }

// UserHandle returns the claimed user, or nil: only discoverable credentials always have it.
func (p Presented) UserHandle() []byte { return p.userHandle }

// ParseAssertion reads the JSON text of an answer to get: W3C's AuthenticationResponseJSON and what
// Clerk's SDKs send as public_key_credential. The error is [Malformed].
func ParseAssertion(text string) (Presented, error) {
	var p Presented
	id, response, err := parseCredential(text)
	if err != nil {
		return p, err
	}
	p.credentialID = id
	var ok [4]bool
	p.clientData, ok[0] = binaryOf(response["clientDataJSON"], maxClientData)
	p.authenticator, ok[1] = binaryOf(response["authenticatorData"], maxAuthenticator)
	p.signature, ok[2] = binaryOf(response["signature"], maxSignature)
	p.userHandle, ok[3] = binaryOf(response["userHandle"], maxUserHandle)
	if handle := response["userHandle"]; handle == nil || string(handle) == "null" || string(handle) == `""` {
		p.userHandle, ok[3] = nil, true // section 5.4.3: a user handle is never empty
	}
	if ok != [4]bool{true, true, true, true} {
		return Presented{}, malformed("response")
	}
	return p, nil
}

// created is an answer to create that is not verified yet.
type created struct {
	credentialID, clientData, attestation []byte
	transports                            []string
}

// parseCreated reads the JSON text of an answer to create: W3C's RegistrationResponseJSON and what
// Clerk's SDKs send. Those for iOS and Android leave the transports out.
func parseCreated(text string) (created, error) {
	var c created
	id, response, err := parseCredential(text)
	if err != nil {
		return c, err
	}
	c.credentialID = id
	var ok [3]bool
	c.clientData, ok[0] = binaryOf(response["clientDataJSON"], maxClientData)
	c.attestation, ok[1] = binaryOf(response["attestationObject"], maxAttestation)
	c.transports, ok[2] = transportsOf(response["transports"])
	if ok != [3]bool{true, true, true} {
		return created{}, malformed("response")
	}
	return c, nil
}

// parseCredential reads what both answers have: the type, the id twice, and the response.
func parseCredential(text string) (id []byte, response map[string]json.RawMessage, err error) {
	if len(text) > MaxResponse {
		return nil, nil, malformed("size")
	}
	members, ok := objectOf([]byte(text))
	if !ok || string(members["type"]) != `"public-key"` {
		return nil, nil, malformed("credential")
	}
	id, ok = binaryOf(members["rawId"], maxCredential)
	if !ok || !bytes.Equal(members["id"], members["rawId"]) {
		return nil, nil, malformed("credential id")
	}
	if response, ok = objectOf(members["response"]); !ok {
		return nil, nil, malformed("response")
	}
	return id, response, nil
}

// shallow reports whether objects and arrays of a JSON text are nested at most maxNesting deep.
func shallow(text []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxNesting {
				return false
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return true
}

// objectOf returns the members of a JSON object. Names are compared exactly, and a name that is
// there twice is refused: the decoder of the standard library does neither for a struct.
func objectOf(text []byte) (map[string]json.RawMessage, bool) {
	if !utf8.Valid(text) || !shallow(text) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, false
	}
	members := map[string]json.RawMessage{}
	for d.More() {
		token, err := d.Token()
		name, isText := token.(string)
		if err != nil || !isText || members[name] != nil || len(members) == maxMembers {
			return nil, false
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return nil, false
		}
		members[name] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, false
	}
	return members, len(bytes.TrimSpace(text[d.InputOffset():])) == 0
}

// binaryOf returns the bytes of a JSON string in base64url without padding (section 5.1). It
// refuses an empty string and one of more than limit bytes.
func binaryOf(raw json.RawMessage, limit int) ([]byte, bool) {
	var text string
	if raw == nil || len(raw) > base64.RawURLEncoding.EncodedLen(limit)+2 || json.Unmarshal(raw, &text) != nil {
		return nil, false
	}
	if text == "" || strings.ContainsAny(text, "\r\n") { // the decoder skips line breaks
		return nil, false
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return data, err == nil && len(data) <= limit
}

// transportsOf returns how a client reaches the authenticator (section 5.8.4), including values
// that are not known yet. A client may leave them out.
func transportsOf(raw json.RawMessage) ([]string, bool) {
	var list []string
	if raw == nil {
		return nil, true
	}
	if json.Unmarshal(raw, &list) != nil || !usableTransports(list) {
		return nil, false
	}
	return list, true
}

func usableTransports(list []string) bool {
	return len(list) <= maxTransports && !slices.ContainsFunc(list, func(t string) bool {
		return t == "" || len(t) > maxTransportChars || strings.Trim(t, "abcdefghijklmnopqrstuvwxyz0123456789-") != ""
	})
}
