package passkey

// DecodeCBOR gives tests the reader of CBOR. Maps become map[any]any, arrays []any.
func DecodeCBOR(data []byte) (value any, rest []byte, ok bool) {
	v, rest, ok := decodeCBOR(data)
	return plain(v), rest, ok
}

// Read reads CBOR and forgets it.
func Read(data []byte) { _, _, _ = decodeCBOR(data) }

func plain(v item) any {
	switch v := v.(type) {
	case []item:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plain(e)
		}
		return out
	case []pair:
		out := make(map[any]any, len(v))
		for _, p := range v {
			out[p.key] = plain(p.value)
		}
		return out
	}
	return v
}

// ParseRegistered gives tests the credential of authenticator data, whatever their flags are.
func ParseRegistered(data []byte) (Credential, error) {
	a, err := parseRegistered(data)
	if err != nil {
		return Credential{}, err
	}
	return Credential{
		ID: a.attested.id, PublicKey: a.attested.encodedKey, Algorithm: a.attested.key.algorithm,
		BackupEligible: a.flags&flagBE != 0, AAGUID: a.attested.aaguid,
	}, nil
}

// Limits are the limits of a response, as profile.md names them.
var Limits = map[string]int{
	"bytes of a response":                   MaxResponse,
	"nesting of JSON":                       maxNesting,
	"members of a JSON object that is read": maxMembers,
	"decoded bytes of clientDataJSON":       maxClientData,
	"decoded bytes of attestationObject":    maxAttestation,
	"decoded bytes of authenticatorData":    maxAuthenticator,
	"bytes of a credential id":              maxCredential,
	"bytes of a COSE_Key":                   maxKey,
	"bytes of a signature":                  maxSignature,
	"bytes of a user handle":                maxUserHandle,
	"transports":                            maxTransports,
	"characters of a transport":             maxTransportChars,
	"nesting of CBOR":                       maxDepth,
}
