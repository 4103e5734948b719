package passkey

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"slices"
)

// The values of the member type of client data (section 5.8.1).
const (
	typeCreate = "webauthn.create"
	typeGet    = "webauthn.get"
)

// checkClientData checks client data as sections 7.1 and 7.2 ask: type, challenge, origin, and that
// no page of another origin frames the page. Other members are ignored, as section 5.8.1 asks.
func (rp RelyingParty) checkClientData(data []byte, ceremony string, challenge Challenge) error {
	members, ok := objectOf(bytes.TrimPrefix(data, []byte("\ufeff"))) // UTF-8 decode drops a BOM
	if !ok {
		return malformed("clientDataJSON")
	}
	var kind, answered, origin string
	for name, into := range map[string]*string{"type": &kind, "challenge": &answered, "origin": &origin} {
		if json.Unmarshal(members[name], into) != nil {
			return malformed("clientDataJSON")
		}
	}
	var crossOrigin bool
	if raw, ok := members["crossOrigin"]; ok && json.Unmarshal(raw, &crossOrigin) != nil {
		return malformed("clientDataJSON")
	}
	_, framed := members["topOrigin"]
	switch {
	case kind != typeCreate && kind != typeGet:
		return malformed("clientDataJSON")
	case kind != ceremony:
		return WrongType
	case subtle.ConstantTimeCompare([]byte(answered), []byte(challenge.String())) != 1:
		return WrongChallenge
	case !slices.Contains(rp.origins, origin):
		return WrongOrigin
	case crossOrigin || framed:
		return Framed
	}
	return nil
}
