package passkey

import (
	"bytes"
	"crypto/sha256"
	"slices"
)

// Credential is a credential record (section 4): what a relying party stores of a passkey.
type Credential struct {
	// ID has 1 to 1,023 bytes and belongs to one user of the instance; the caller checks that.
	ID []byte
	// PublicKey is a COSE_Key of at most 600 bytes, mostly 77.
	PublicKey []byte
	// Algorithm is the algorithm of PublicKey.
	Algorithm Algorithm
	// SignCount is the counter of the last accepted response, 0 if the authenticator has none.
	SignCount uint32
	// BackupEligible says that the credential may be synchronized. It never changes.
	BackupEligible bool
	// BackedUp says that the credential was synchronized at the last response.
	BackedUp bool
	// AAGUID names the authenticator's model, as the client claims. It may be zero and proves nothing.
	AAGUID [16]byte
	// Transports are at most 8 hints of at most 32 characters how to reach the authenticator.
	Transports []string
}

// Usable reports whether a credential from elsewhere can be stored: its id and transports have the
// allowed sizes, and its key is one of the profile.
func (c Credential) Usable() bool {
	_, rest, err := parseKey(c.PublicKey)
	return err == nil && len(rest) == 0 && len(c.ID) > 0 && len(c.ID) <= maxCredential && usableTransports(c.Transports)
}

// Assertion is a verified answer to get. The user was present and verified. The caller stores both
// values with the credential, in the same write that uses up the challenge.
type Assertion struct {
	SignCount uint32
	BackedUp  bool
}

// Register verifies an answer to create (section 7.1) and returns the new credential. The error is
// a [Refusal].
//
// The caller checks that no user has the credential id yet (step 26).
func (rp RelyingParty) Register(challenge Challenge, response string) (Credential, error) {
	c, err := parseCreated(response)
	if err != nil {
		return Credential{}, err
	}
	if err := rp.checkClientData(c.clientData, typeCreate, challenge); err != nil {
		return Credential{}, err
	}
	format, statement, data, err := parseAttestation(c.attestation)
	if err != nil {
		return Credential{}, err
	}
	a, err := parseRegistered(data)
	switch {
	case err != nil:
		return Credential{}, err
	case a.rpIDHash != rp.idHash:
		return Credential{}, WrongRelyingParty
	case !bytes.Equal(a.attested.id, c.credentialID):
		return Credential{}, WrongCredential
	}
	if err := checkAttestation(format, statement, a.attested.key, signedBy(data, c.clientData)); err != nil {
		return Credential{}, err
	}
	if err := checkFlags(a.flags); err != nil {
		return Credential{}, err
	}
	return Credential{
		ID: bytes.Clone(a.attested.id), PublicKey: bytes.Clone(a.attested.encodedKey), Algorithm: a.attested.key.algorithm,
		SignCount: a.signCount, BackupEligible: a.flags&flagBE != 0, BackedUp: a.flags&flagBS != 0,
		AAGUID: a.attested.aaguid, Transports: c.transports,
	}, nil
}

// Verify verifies an answer to get (section 7.2) against a stored credential and the handle of the
// user who has it. The error is a [Refusal], or a [*CounterError] if all else is right.
//
// The signature is checked before the flags and the counter, so a refusal about these is about
// values that the authenticator signed.
func (rp RelyingParty) Verify(challenge Challenge, user []byte, c Credential, p Presented) (Assertion, error) {
	if !bytes.Equal(p.credentialID, c.ID) || p.userHandle != nil && !bytes.Equal(p.userHandle, user) {
		return Assertion{}, WrongCredential
	}
	if err := rp.checkClientData(p.clientData, typeGet, challenge); err != nil {
		return Assertion{}, err
	}
	a, err := parseAsserted(p.authenticator)
	if err != nil {
		return Assertion{}, err
	}
	key, rest, err := parseKey(c.PublicKey)
	switch {
	case err != nil || len(rest) > 0:
		return Assertion{}, UnknownAlgorithm
	case a.rpIDHash != rp.idHash:
		return Assertion{}, WrongRelyingParty
	case !key.verify(signedBy(p.authenticator, p.clientData), p.signature):
		return Assertion{}, WrongSignature
	}
	if err := checkFlags(a.flags); err != nil {
		return Assertion{}, err
	}
	if c.BackupEligible != (a.flags&flagBE != 0) {
		return Assertion{}, BackupChanged
	}
	// Section 7.2, step 22: an authenticator without a counter always sends 0.
	if (a.signCount != 0 || c.SignCount != 0) && a.signCount <= c.SignCount {
		return Assertion{}, &CounterError{Stored: c.SignCount, Received: a.signCount}
	}
	return Assertion{SignCount: a.signCount, BackedUp: a.flags&flagBS != 0}, nil
}

// signedBy returns the message that an authenticator signs (section 6.3.3).
func signedBy(authenticator, clientData []byte) []byte {
	hash := sha256.Sum256(clientData)
	return slices.Concat(authenticator, hash[:])
}

// checkFlags checks that the user was present and verified, and that a credential which cannot be
// backed up is not (sections 7.1 and 7.2).
func checkFlags(flags byte) error {
	switch {
	case flags&flagUP == 0:
		return UserAbsent
	case flags&flagUV == 0:
		return UserNotVerified
	case flags&flagBS != 0 && flags&flagBE == 0:
		return BackupChanged
	}
	return nil
}

// parseAttestation reads an attestation object (section 6.5.4): a map of fmt, attStmt and authData.
func parseAttestation(object []byte) (format string, statement item, data []byte, err error) {
	value, rest, ok := decodeCBOR(object)
	members, isMap := value.([]pair)
	format, hasFormat := member(value, "fmt").(string)
	data, hasData := member(value, "authData").([]byte)
	statement = member(value, "attStmt")
	if !ok || len(rest) > 0 || !isMap || len(members) != 3 || !hasFormat || !hasData || statement == nil {
		return "", nil, nil, malformed("attestation object")
	}
	return format, statement, data, nil
}

// checkAttestation checks an attestation statement. The relying party asks for none (section
// 5.4.7), and accepts what a client may send then:
//
//   - none: an empty map (section 8.7).
//   - packed without x5c, self attestation (section 8.2): its signature is verified.
//   - Some clients send other statements unasked. They are not read, and prove nothing. Section
//     7.1, "Assess the attestation trustworthiness", allows it: a relying party "MAY register the
//     credential ID and credential public key but treat the credential as one with self
//     attestation".
func checkAttestation(format string, statement item, key publicKey, message []byte) error {
	members, isMap := statement.([]pair)
	switch {
	case format == "none" && (!isMap || len(members) != 0):
		return malformed("attestation statement")
	case format != "packed" || member(statement, "x5c") != nil:
		return nil
	}
	algorithm, hasAlgorithm := member(statement, "alg").(int64)
	signature, hasSignature := member(statement, "sig").([]byte)
	switch {
	case len(members) != 2 || !hasAlgorithm || !hasSignature:
		return malformed("attestation statement")
	case Algorithm(algorithm) != key.algorithm || !key.verify(message, signature):
		return WrongSignature
	}
	return nil
}
