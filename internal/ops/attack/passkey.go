package attack

import (
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/countersign-mfa/countersign/test/authenticator"
)

// passkeyProbes are class M: passkeys.
func passkeyProbes() []Probe {
	const signed, once, bound = "6.3.3", "6.5.1", "7.5.1"
	return []Probe{
		{"M01", "the answer of a passkey in a second sign-in, and again in its own", "refused: a challenge belongs to one sign-in and is used once", once, "3.1.7", "Keycloak, Authelia", 0, replayPasskey},
		{"M02", "50 copies of the answer of a passkey at once", "one is accepted", "2.3.4, 15.4.2", "3.1.7", "Parse Server", unlimited, racePasskey},
		{"M03", "an answer that a page of another origin obtained", "refused", signed, "3.2.5", "", 0, otherOrigin},
		{"M04", "an answer without user verification", "refused", signed, "3.1.7", "py_webauthn, Duo", 0, unverifiedUser},
		{"M05", "a counter that goes back", "refused, and the passkey proves nothing from then on", signed, "3.1.7", "", 0, copiedPasskey},
		{"M06", "Mallory's own passkey in the victim's sign-in, step-up and enrolment", "refused", "8.2.2, 6.3.3", "4.1.2.1", "Nextcloud CVE-2021-22896", 0, foreignPasskey},
		{"M07", "the answer to a step-up's challenge in a sign-in", "refused", once, "3.1.7", "", moving, stepUpChallenge},
		{"M08", "answers that are malformed, oversized or deeply nested", "refused, without a server error, and the right answer works after them", "2.2.1, 1.5.2", "3.1.7", "", unlimited, malformedPasskey},
		{"M09", "an answer for another RP id", "refused", signed, "3.2.5", "", 0, otherRPID},
		{"M10", "an enrolment that another session of the user completes", "refused", bound, "4.1.2.1", "Authelia CVE-2021-32637", moving, enrolElsewhere},
		{"M11", "an answer to create where an assertion is asked, and the reverse", "refused", signed, "3.1.7", "", 0, otherCeremony},
		{"M12", "the credential of another user, enrolled as one's own", "refused, and the other user's still works", "8.2.2", "4.1.2.1", "W3C Web Authentication, 7.1", 0, takenCredential},
		{"M13", "an answer with a changed signature, and of a key on another curve", "refused", "6.3.3, 11.4.1", "3.1.7", "", 0, forgedPasskey},
		{"M14", "a passkey that was removed", "refused", "6.5.6", "4.1.2.1", "", 0, removedPasskey},
		{"M18", "one passkey as both factors of a step-up, where it proves one", "refused", "6.3.3, 7.5.1", "3.1.7", "Zitadel CVE-2025-64103", 0, passkeyAsBoth},
	}
}

// passkeys switches passkeys on until the function that it returns is called. It does so on a
// development server only: functions keep settings for ten seconds, and a deployment has users.
func (t *trial) passkeys() func() {
	was := t.ok(t.backend(http.MethodGet, "/v1/instance", nil))
	on := was.at("passkeys") == true && was.at("passkey_second_factor") == true
	if !t.development {
		if !on {
			panic(unprepared("for the time of the attack, switch passkeys and passkey_second_factor on"))
		}
		return func() {}
	}
	set := map[string]any{"passkeys": true, "passkey_second_factor": true}
	before := map[string]any{"passkeys": was.at("passkeys"), "passkey_second_factor": was.at("passkey_second_factor")}
	if at, err := url.Parse(t.URL); err == nil && net.ParseIP(at.Hostname()) != nil && was.text("passkey_rp_id") == "" {
		set["passkey_rp_id"], before["passkey_rp_id"] = "localhost", "" // an address is no RP id
	}
	t.ok(t.backend(http.MethodPatch, "/v1/instance", set))
	return func() { t.ok(t.backend(http.MethodPatch, "/v1/instance", before)) }
}

// passkeyOwner is a person with an authenticator app and a passkey, signed in to a browser.
type passkeyOwner struct {
	*person
	device *authenticator.Authenticator
	b      *browser
	id     string
}

// keyHolder returns a person who enrolled a passkey.
func (t *trial) keyHolder() *passkeyOwner {
	h := &passkeyOwner{person: t.person(withApp), device: &authenticator.Authenticator{Counts: true}}
	h.b = h.signedIn()
	h.id = h.b.enrolPasskey(h.device)
	return h
}

// beginPasskey begins an enrolment, and returns its id and its options.
func (b *browser) beginPasskey() (id, options string) {
	r := b.must(http.MethodPost, "/v1/me/passkeys")
	return r.text("response.id"), r.text("response.verification.nonce")
}

// confirmPasskey is a request that completes an enrolment.
func (b *browser) confirmPasskey(id, answer string) ask {
	return b.ask(http.MethodPost, "/v1/me/passkeys/"+id+"/attempt_verification", "strategy", "passkey", "public_key_credential", answer)
}

// enrolPasskey makes a passkey in a device, and returns its id.
func (b *browser) enrolPasskey(device *authenticator.Authenticator) string {
	id, options := b.beginPasskey()
	b.ok(b.confirmPasskey(id, b.made(device.Create(options))))
	return id
}

// made returns what an authenticator answers. That it answers nothing is the probe's fault.
func (t *trial) made(answer string, err error) string {
	if err != nil {
		panic(unprepared("the authenticator of the attack: " + err.Error()))
	}
	return answer
}

// asked begins a sign-in with a ticket in a new browser, and returns the challenge for a passkey.
func (h *passkeyOwner) asked() (*browser, string) {
	b := h.halfway()
	return b, b.must(http.MethodPost, b.step("prepare"), "strategy", "passkey").text("response.second_factor_verification.nonce")
}

// gives is a request that answers a sign-in's challenge.
func (b *browser) gives(answer string) ask {
	return b.ask(http.MethodPost, b.step("attempt"), "strategy", "passkey", "public_key_credential", answer)
}

// works fails the probe when a right answer does not complete a sign-in.
func (h *passkeyOwner) works() {
	b, options := h.asked()
	h.ok(b.gives(h.made(h.device.Get(options))))
}

// refusedFor begins a sign-in, and expects the answer of a device that a change made wrong to be
// refused.
func (h *passkeyOwner) refusedFor(what string, change func(a *authenticator.Authenticator)) {
	b, options := h.asked()
	wrong := *h.device
	change(&wrong)
	h.refused(what, b.gives(h.made(wrong.Get(options))), wrongPasskey)
}

// Error codes of passkeys.
const (
	wrongPasskey     = "passkey_authentication_failure"
	unknownPasskey   = "passkey_not_registered"
	malformedAnswer  = "passkey_invalid_public_key_credential"
	enrolmentRefused = "passkey_registration_failure"
)

func replayPasskey(t *trial) {
	defer t.passkeys()()
	h := t.keyHolder()
	one, options := h.asked()
	answer := h.made(h.device.Get(options))
	two, _ := h.asked()
	t.refused("in another sign-in", two.gives(answer), wrongPasskey)
	t.ok(one.gives(answer))
	t.refused("again in its own", one.gives(answer))
	three := h.halfway()
	t.refused("in a sign-in that did not ask", three.gives(answer))
}

func racePasskey(t *trial) {
	defer t.passkeys()()
	h := t.keyHolder()
	b, options := h.asked()
	a := b.gives(h.made(h.device.Get(options)))
	t.oneOf("answer of a passkey", t.together(volley, func(int) ask { return a }))
}

func otherOrigin(t *trial) {
	defer t.passkeys()()
	h := t.keyHolder()
	for _, origin := range []string{"https://evil.test", "http://localhost.evil.test", "null"} {
		h.refusedFor("an answer from "+origin, func(a *authenticator.Authenticator) { a.Origin = origin })
	}
	h.refusedFor("an answer from a framed page", func(a *authenticator.Authenticator) {
		a.Client = func(data map[string]any) { data["crossOrigin"] = true }
	})
	h.works()
}

func unverifiedUser(t *trial) {
	defer t.passkeys()()
	h := t.keyHolder()
	h.refusedFor("without user verification", func(a *authenticator.Authenticator) { a.Flags = authenticator.UP })
	h.refusedFor("without user presence", func(a *authenticator.Authenticator) { a.Flags = authenticator.UV })
	id, options := h.b.beginPasskey()
	device := &authenticator.Authenticator{Flags: authenticator.UP}
	t.refused("an enrolment without user verification", h.b.confirmPasskey(id, h.made(device.Create(withoutExcluded(t, options)))), enrolmentRefused)
}

func copiedPasskey(t *trial) {
	defer t.passkeys()()
	h := t.keyHolder()
	h.works()
	h.works()
	h.device.Credentials()[0].Count = 0
	h.refusedFor("with a counter that went back", func(*authenticator.Authenticator) {})
	h.device.Credentials()[0].Count = 1000
	b := h.halfway()
	t.refused("a challenge for the passkey after that", b.ask(http.MethodPost, b.step("prepare"), "strategy", "passkey"))
}

func foreignPasskey(t *trial) {
	defer t.passkeys()()
	h, mallory := t.keyHolder(), t.keyHolder()
	b, options := h.asked()
	t.refused("in the victim's sign-in", b.gives(h.made(mallory.device.Get(withoutAllowed(t, options)))), unknownPasskey)
	renamed := *mallory.device
	renamed.Response = func(credential map[string]any) {
		id := base64.RawURLEncoding.EncodeToString(h.device.Credentials()[0].ID)
		credential["id"], credential["rawId"] = id, id
	}
	b, options = h.asked()
	t.refused("under the victim's credential id", b.gives(h.made(renamed.Get(withoutAllowed(t, options)))), wrongPasskey)
	t.refused("removing the victim's passkey", mallory.b.ask(http.MethodDelete, "/v1/me/passkeys/"+h.id), notFound)
	id, options := h.b.beginPasskey()
	t.refused("completing the victim's enrolment", mallory.b.confirmPasskey(id, h.made((&authenticator.Authenticator{}).Create(options))), notFound)
	h.works()
}

func stepUpChallenge(t *trial) {
	defer t.passkeys()()
	h := t.keyHolder()
	verify := "/v1/client/sessions/" + h.b.session + "/verify"
	h.b.must(http.MethodPost, verify, "level", "second_factor")
	options := h.b.must(http.MethodPost, verify+"/prepare_second_factor", "strategy", "passkey").text("response.second_factor_verification.nonce")
	answer := h.made(h.device.Get(options))
	b, _ := h.asked()
	t.refused("in a sign-in", b.gives(answer), wrongPasskey)
	t.ok(h.b.ask(http.MethodPost, verify+"/attempt_second_factor", "strategy", "passkey", "public_key_credential", answer))
}

func malformedPasskey(t *trial) {
	defer t.passkeys()()
	h := t.keyHolder()
	b, options := h.asked()
	right := h.made(h.device.Get(options))
	for what, answer := range map[string]string{
		"no JSON": "x", "a list": "[]", "nothing in it": "{}", "text after it": right + "x", "a member twice": strings.Replace(right, `"id"`, `"type":"public-key","id"`, 1),
		"too long": strings.Replace(right, `"id"`, `"x":"`+strings.Repeat("x", 40<<10)+`","id"`, 1), "nested": strings.Replace(right, `"id"`, `"x":`+strings.Repeat("[", 30)+strings.Repeat("]", 30)+`,"id"`, 1),
		"no UTF-8": strings.Replace(right, `"id"`, "\"\xff\":1,\"id\"", 1), "NUL": strings.Replace(right, `"id"`, "\x00", 1),
	} {
		t.refused(what, b.gives(answer))
	}
	t.ok(b.gives(right))
	for what, object := range map[string]string{
		"CBOR of indefinite length": "v2NmbXRkbm9uZf8", "CBOR of 2³² items": "mwAAAAEAAAAA", "no CBOR": "AA", "nested CBOR": "gYGBgYGBgYGB", "an empty map": "oA",
	} {
		id, options := h.b.beginPasskey()
		device := &authenticator.Authenticator{Response: func(credential map[string]any) {
			credential["response"].(map[string]any)["attestationObject"] = object
		}}
		broken := h.made(device.Create(options))
		t.refused(what, h.b.confirmPasskey(id, broken), malformedAnswer)
	}
}

func otherRPID(t *trial) {
	defer t.passkeys()()
	h := t.keyHolder()
	h.refusedFor("for another RP id", func(a *authenticator.Authenticator) {
		a.Data = func(data []byte) []byte { data[0] ^= 1; return data }
	})
	id, options := h.b.beginPasskey()
	device := &authenticator.Authenticator{Data: func(data []byte) []byte { data[0] ^= 1; return data }}
	t.refused("an enrolment for another RP id", h.b.confirmPasskey(id, h.made(device.Create(options))), enrolmentRefused)
	h.works()
}

func enrolElsewhere(t *trial) {
	defer t.passkeys()()
	h := t.keyHolder()
	t.later(2 * resendAfter) // for the app's next code
	other := h.signedIn()
	id, options := h.b.beginPasskey()
	device := &authenticator.Authenticator{}
	answer := h.made(device.Create(options))
	t.refused("completed by another session", other.confirmPasskey(id, answer), notFound)
	t.ok(h.b.confirmPasskey(id, answer))
	t.refused("completed twice", h.b.confirmPasskey(id, answer))
}

func otherCeremony(t *trial) {
	defer t.passkeys()()
	h := t.keyHolder()
	h.refusedFor("an answer that says webauthn.create", func(a *authenticator.Authenticator) {
		a.Client = func(data map[string]any) { data["type"] = "webauthn.create" }
	})
	id, options := h.b.beginPasskey()
	device := &authenticator.Authenticator{Client: func(data map[string]any) { data["type"] = "webauthn.get" }}
	t.refused("an enrolment that says webauthn.get", h.b.confirmPasskey(id, h.made(device.Create(options))), enrolmentRefused)
	h.works()
}

func takenCredential(t *trial) {
	defer t.passkeys()()
	h, mallory := t.keyHolder(), t.keyHolder()
	id, options := mallory.b.beginPasskey()
	device := &authenticator.Authenticator{ID: h.device.Credentials()[0].ID}
	t.refused("the victim's credential id with another key", mallory.b.confirmPasskey(id, h.made(device.Create(options))), enrolmentRefused)
	h.works()
	mallory.works()
}

func forgedPasskey(t *trial) {
	defer t.passkeys()()
	h := t.keyHolder()
	h.refusedFor("with a changed signature", func(a *authenticator.Authenticator) {
		a.Response = func(credential map[string]any) { credential["response"].(map[string]any)["signature"] = "MAYCAQECAQE" }
	})
	h.refusedFor("with flags that were not signed", func(a *authenticator.Authenticator) {
		a.Flags = authenticator.UP
		a.Response = func(credential map[string]any) { verifiedAfterwards(credential["response"].(map[string]any)) }
	})
	for what, change := range map[string]func(key map[any]any){
		"a key of the curve secp256k1": func(key map[any]any) { key[-1] = 8 },
		"a key on no curve":            func(key map[any]any) { key[-2] = make([]byte, 32) },
		"a key of the algorithm none":  func(key map[any]any) { key[3] = 0 },
	} {
		id, options := h.b.beginPasskey()
		t.refused(what, h.b.confirmPasskey(id, h.made((&authenticator.Authenticator{Key: change}).Create(options))), enrolmentRefused)
	}
	h.works()
}

func removedPasskey(t *trial) {
	defer t.passkeys()()
	h := t.keyHolder()
	second := &authenticator.Authenticator{}
	h.b.enrolPasskey(second)
	b, options := h.asked()
	answer := h.made(h.device.Get(options))
	t.ok(h.b.ask(http.MethodDelete, "/v1/me/passkeys/"+h.id))
	t.refused("an answer of before the removal", b.gives(answer))
	b, options = h.asked()
	t.refused("an answer of after the removal", b.gives(h.made(h.device.Get(withoutAllowed(t, options)))), unknownPasskey)
}

func passkeyAsBoth(t *trial) {
	defer t.passkeys()()
	if t.ok(t.backend(http.MethodGet, "/v1/instance", nil)).at("passkey_satisfies_second_factor") == true {
		panic(unprepared("for the time of the attack, switch passkey_satisfies_second_factor off"))
	}
	h := t.keyHolder()
	verify := "/v1/client/sessions/" + h.b.session + "/verify"
	h.b.must(http.MethodPost, verify, "level", "second_factor")
	options := h.b.must(http.MethodPost, verify+"/prepare_second_factor", "strategy", "passkey").text("response.second_factor_verification.nonce")
	t.ok(h.b.ask(http.MethodPost, verify+"/attempt_second_factor", "strategy", "passkey", "public_key_credential", h.made(h.device.Get(options))))
	h.b.must(http.MethodPost, verify, "level", "first_factor")
	t.refused("as the first factor too", h.b.ask(http.MethodPost, verify+"/prepare_first_factor", "strategy", "passkey"), "strategy_for_user_invalid")
}

// withoutAllowed returns request options that allow every credential, as a thief's browser would
// have them.
func withoutAllowed(t *trial, options string) string { return edited(t, options, "allowCredentials") }

// withoutExcluded returns creation options that exclude no credential.
func withoutExcluded(t *trial, options string) string {
	return edited(t, options, "excludeCredentials")
}

// edited returns options without a member.
func edited(t *trial, options, without string) string {
	var members map[string]any
	if err := json.Unmarshal([]byte(options), &members); err != nil {
		t.failf("the options are no JSON: %v", err)
	}
	delete(members, without)
	text, err := json.Marshal(members)
	if err != nil {
		t.failf("options: %v", err)
	}
	return string(text)
}

// verifiedAfterwards sets the flag UV in a response that is signed already.
func verifiedAfterwards(response map[string]any) {
	text, _ := response["authenticatorData"].(string)
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil && len(data) > 32 {
		data[32] |= authenticator.UV
	}
	response["authenticatorData"] = base64.RawURLEncoding.EncodeToString(data)
}
