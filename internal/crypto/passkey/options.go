package passkey

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
)

// Timeout is how long a browser waits for the person: the default that section 15.1 recommends. A
// challenge may live longer, because the answer takes time to arrive.
const Timeout = 5 * time.Minute

// User is the owner of a new credential. Handle has 1 to 64 bytes and no personal data (section
// 14.6.1): an authenticator shows it without user verification. Name and DisplayName are what the
// owner sees in a list of passkeys.
type User struct {
	Handle            []byte
	Name, DisplayName string
}

// base64url is bytes that JSON has in base64url without padding.
type base64url []byte

// MarshalText implements [encoding.TextMarshaler].
func (b base64url) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, b), nil
}

// descriptor is W3C's PublicKeyCredentialDescriptorJSON (section 5.8.3).
type descriptor struct {
	Type       string    `json:"type"`
	ID         base64url `json:"id"`
	Transports []string  `json:"transports,omitempty"`
}

// creationOptions is W3C's PublicKeyCredentialCreationOptionsJSON (section 5.1.8).
type creationOptions struct {
	RP struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"rp"`
	User struct {
		ID          base64url `json:"id"`
		Name        string    `json:"name"`
		DisplayName string    `json:"displayName"`
	} `json:"user"`
	Challenge   Challenge    `json:"challenge"`
	Params      []parameter  `json:"pubKeyCredParams"`
	Timeout     int64        `json:"timeout"`
	Exclude     []descriptor `json:"excludeCredentials"`
	Selection   selection    `json:"authenticatorSelection"`
	Attestation string       `json:"attestation"`
}

// parameter is a member of pubKeyCredParams.
type parameter struct {
	Type string    `json:"type"`
	Alg  Algorithm `json:"alg"`
}

// selection is W3C's AuthenticatorSelectionCriteria (section 5.4.4).
type selection struct {
	ResidentKey        string `json:"residentKey"`
	RequireResidentKey bool   `json:"requireResidentKey"`
	UserVerification   string `json:"userVerification"`
}

// requestOptions is W3C's PublicKeyCredentialRequestOptionsJSON (section 5.1.9).
type requestOptions struct {
	Challenge        Challenge    `json:"challenge"`
	Timeout          int64        `json:"timeout"`
	RPID             string       `json:"rpId"`
	Allow            []descriptor `json:"allowCredentials"`
	UserVerification string       `json:"userVerification"`
}

// MarshalText implements [encoding.TextMarshaler].
func (c Challenge) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// CreationOptions returns the JSON text of W3C's PublicKeyCredentialCreationOptionsJSON, which
// Clerk's SDKs expect in verification.nonce. The person's present credentials are excluded, so that
// an authenticator does not make a second one.
//
// User verification is required and attestation is none. A discoverable credential is preferred and
// not required: a security key without free memory still works as a second factor.
func (rp RelyingParty) CreationOptions(challenge Challenge, user User, present []Credential) (string, error) {
	if len(user.Handle) == 0 || len(user.Handle) > maxUserHandle {
		return "", fmt.Errorf("passkey: a user handle has 1 to %d bytes", maxUserHandle)
	}
	var o creationOptions
	o.RP.ID, o.RP.Name = rp.id, rp.name
	o.User.ID, o.User.Name, o.User.DisplayName = user.Handle, user.Name, user.DisplayName
	o.Challenge, o.Timeout, o.Exclude = challenge, Timeout.Milliseconds(), descriptors(present)
	for _, a := range algorithms {
		o.Params = append(o.Params, parameter{publicKeyType, a})
	}
	o.Selection, o.Attestation = selection{ResidentKey: "preferred", UserVerification: "required"}, "none"
	return text(o)
}

// RequestOptions returns the JSON text of W3C's PublicKeyCredentialRequestOptionsJSON. Without
// credentials a person chooses among the discoverable ones: a server that named those of an
// identifier would tell which accounts exist (section 14.6.2).
func (rp RelyingParty) RequestOptions(challenge Challenge, allowed []Credential) (string, error) {
	return text(requestOptions{challenge, Timeout.Milliseconds(), rp.id, descriptors(allowed), "required"})
}

// publicKeyType is the only type of a credential (section 5.8.2).
const publicKeyType = "public-key"

func descriptors(list []Credential) []descriptor {
	out := make([]descriptor, 0, len(list))
	for _, c := range list {
		out = append(out, descriptor{publicKeyType, c.ID, c.Transports})
	}
	return out
}

func text(options any) (string, error) {
	b, err := json.Marshal(options)
	if err != nil {
		return "", fmt.Errorf("passkey: write options: %w", err)
	}
	return string(b), nil
}
