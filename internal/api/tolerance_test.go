package api_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// spelledCodes write six digits as keyboards, messages and password managers do. RFC 4226 section
// 5.3 defines a code as a number.
var spelledCodes = []struct {
	what  string
	spell func(code string) string
}{
	{"as it is", func(c string) string { return c }},
	{"two groups", func(c string) string { return c[:3] + " " + c[3:] }},
	{"a hyphen", func(c string) string { return c[:3] + "-" + c[3:] }},
	{"a no-break space and a line end", func(c string) string { return c[:3] + "\u00a0" + c[3:] + "\n" }},
	{"an en dash", func(c string) string { return c[:2] + "\u2013" + c[2:] }},
	{"a zero width space", func(c string) string { return "\u200b" + c }},
	{"marks of the writing direction", func(c string) string { return "\u202a" + c + "\u202c" }},
	{"full width", func(c string) string { return inDigits(c, '０') }},
	{"Arabic-Indic digits", func(c string) string { return inDigits(c, '٠') }},
	{"Bengali digits, grouped", func(c string) string { return inDigits(c[:3], '০') + "-" + inDigits(c[3:], '০') }},
}

// inDigits writes ASCII digits in another script, whose digits begin with zero.
func inDigits(code string, zero rune) string {
	return strings.Map(func(r rune) rune { return zero + r - '0' }, code)
}

// TestCodesInEverySpelling: every operation that takes a code takes each spelling of the right one.
func TestCodesInEverySpelling(t *testing.T) {
	for _, by := range spelledCodes {
		t.Run(by.what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.signedIn()
			user := b.call("GET", "/v1/me").ok().text("response.id")

			key := b.call("POST", "/v1/me/totp").ok().text("response.secret")
			app := func() string {
				w.Advance(time.Minute)
				return by.spell(appCode(w, key))
			}
			b.call("POST", "/v1/me/totp/attempt_verification", "code", app()).ok()
			w.backend("POST", "/v1/users/"+user+"/verify_totp", fmt.Sprintf(`{"code":%q}`, app())).ok()

			number := "/v1/me/phone_numbers/" + b.call("POST", "/v1/me/phone_numbers", "phone_number", "+12125550123", "reserved_for_second_factor", "true").ok().text("response.id")
			b.call("POST", number+"/prepare_verification", "strategy", "phone_code").ok()
			b.call("POST", number+"/attempt_verification", "code", by.spell(w.Code())).ok()

			verify := "/v1/client/sessions/" + b.session + "/verify"
			b.call("POST", verify, "level", "second_factor").ok()
			b.call("POST", verify+"/attempt_second_factor", "strategy", "totp", "code", app()).ok()

			second := w.open(tx.Cookie)
			signIn := "/v1/client/sign_ins/" + second.enter(user).text("response.id")
			second.call("POST", signIn+"/prepare_second_factor", "strategy", "phone_code").ok()
			second.call("POST", signIn+"/attempt_second_factor", "strategy", "phone_code", "code", by.spell(w.Code())).ok()

			third := w.open(tx.Cookie)
			signIn = "/v1/client/sign_ins/" + third.enter(user).text("response.id")
			third.call("POST", signIn+"/attempt_second_factor", "strategy", "totp", "code", app()).ok()

			other := w.backend("POST", "/v1/phone_numbers", `{"user_id":"`+w.user()+`","phone_number":"+12125550124"}`).ok().text("id")
			sent := w.backend("POST", "/v1/phone_numbers/"+other+"/prepare_verification", "").ok().text("id")
			a := w.backend("POST", "/v1/phone_numbers/"+other+"/attempt_verification", fmt.Sprintf(`{"verification_id":%q,"code":%q}`, sent, by.spell(w.Code()))).ok()
			if a.text("status") != "verified" {
				t.Errorf("the Backend API: %s", a.body)
			}
		})
	}
}

// TestFirstFactorCodesInEverySpelling: as a first factor too.
func TestFirstFactorCodesInEverySpelling(t *testing.T) {
	w := newWorld(t)
	w.backend("PATCH", "/v1/instance", `{"first_factor_phone_code":true}`).ok()
	for i, by := range spelledCodes {
		number := fmt.Sprintf("+1212555010%d", i)
		w.backend("POST", "/v1/users", `{"phone_number":["`+number+`"]}`).ok()
		b := w.open(tx.Cookie)
		signIn := "/v1/client/sign_ins/" + b.call("POST", "/v1/client/sign_ins", "identifier", number).ok().text("response.id")
		b.call("POST", signIn+"/prepare_first_factor", "strategy", "phone_code").ok()
		b.call("POST", signIn+"/attempt_first_factor", "strategy", "phone_code", "code", by.spell(w.Code())).ok()
	}
}

// TestBackupCodesInEverySpelling: codes of our own and codes of another service, plain or hashed,
// are read in the same spellings, and each works once.
func TestBackupCodesInEverySpelling(t *testing.T) {
	spellings := map[string]func(code string) string{
		"as it is":                    func(c string) string { return c },
		"white space around":          func(c string) string { return "\u00a0" + c + " \n" },
		"capitals":                    strings.ToUpper,
		"capitals and a byte order":   func(c string) string { return "\ufeff" + strings.ToUpper(c) },
		"groups":                      func(c string) string { return c[:2] + " " + c[2:4] + " " + c[4:] },
		"a hyphen":                    func(c string) string { return c[:4] + "-" + c[4:] },
		"another hyphen":              func(c string) string { return c[:4] + "\u2011" + c[4:] },
		"a zero width space in it":    func(c string) string { return c[:4] + "\u200b" + c[4:] },
		"full width, as typed by IME": func(c string) string { return strings.Map(func(r rune) rune { return r - '!' + '！' }, c) },
	}
	for name, codes := range map[string]func(w *world) (imported, typed string){
		"our own":               func(*world) (string, string) { return "", "" },
		"another's, plain":      func(*world) (string, string) { return "k4xu92mz", "k4xu92mz" },
		"another's, in groups":  func(*world) (string, string) { return "k4xu-92mz", "k4xu92mz" },
		"another's, in spaces":  func(*world) (string, string) { return "k4xu 92mz", "k4xu92mz" },
		"another's, in capital": func(*world) (string, string) { return "K4XU92MZ", "k4xu92mz" },
		"another's, a hash": func(w *world) (string, string) {
			digest, err := bcrypt.GenerateFromPassword([]byte("k4xu92mz"), bcrypt.MinCost)
			w.Must(err)
			return string(digest), "k4xu92mz"
		},
	} {
		for what, spell := range spellings {
			t.Run(name+", "+what, func(t *testing.T) {
				w := newWorld(t)
				imported, code := codes(w)
				user, code := w.userWithBackupCode(imported, code)
				try := func(text string) *answer {
					return w.backend("POST", "/v1/users/"+user+"/verify_totp", fmt.Sprintf(`{"code":%q}`, text))
				}
				try(spell(code)).ok()
				try(spell(code)).want(422, "form_code_incorrect")
				try(code).want(422, "form_code_incorrect")
				if left := w.backend("GET", "/v1/users/"+user, "").ok().at("verification_attempts_remaining"); left != 10.0 {
					t.Errorf("%v attempts are left: a repeated code was counted as a guess", left)
				}
			})
		}
	}
}

// userWithBackupCode returns a user with an imported backup code, and one in the spelling in which
// it is to be typed: that code, or one of our own if imported is empty.
func (w *world) userWithBackupCode(imported, code string) (user, typed string) {
	w.Helper()
	const shared = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	if imported != "" {
		return w.backend("POST", "/v1/users", fmt.Sprintf(`{"username":"ada","totp_secret":%q,"backup_codes":[%q,"another1"]}`, shared, imported)).ok().text("id"), code
	}
	b := w.signedIn()
	key := b.call("POST", "/v1/me/totp").ok().text("response.secret")
	code = b.call("POST", "/v1/me/totp/attempt_verification", "code", appCode(w, key)).ok().text("response.backup_codes.0")
	return b.call("GET", "/v1/me").ok().text("response.id"), strings.ReplaceAll(code, "-", "")
}

// TestImportedCodesThatDifferInCapitals: a service that made such codes meant the difference. Each
// is its own code, and works once.
func TestImportedCodesThatDifferInCapitals(t *testing.T) {
	w := newWorld(t)
	user := w.backend("POST", "/v1/users", `{"username":"ada","totp_secret":"JBSWY3DPEHPK3PXP","backup_codes":["uuAAbb11","uuaabb11","uuAA-BB11","another1"]}`).ok().text("id")
	for _, code := range []string{"uuaabb11", " uuAAbb11 ", "uuAA-BB11"} {
		w.backend("POST", "/v1/users/"+user+"/verify_totp", fmt.Sprintf(`{"code":%q}`, code)).ok()
		w.backend("POST", "/v1/users/"+user+"/verify_totp", fmt.Sprintf(`{"code":%q}`, code)).want(422, "form_code_incorrect")
	}
}

// TestIdentifiersAsTheyArePasted: a sign-in finds the user by an identifier with invisible
// characters, and by a number in every spelling.
func TestIdentifiersAsTheyArePasted(t *testing.T) {
	w := newWorld(t)
	w.backend("PATCH", "/v1/instance", `{"enumeration_protection":false}`).ok()
	w.backend("POST", "/v1/users", `{"username":"ada","email_address":["ada@example.com"],"phone_number":["\u202a+1 201 555 0123\u202c"],"password":"correct horse"}`).ok()
	for _, text := range []string{
		"ada", " ADA\n", "\u200bada", "ada@example.com", "\u202aada@example.com\u202c", "ada@example.com\u200b", "a\u00adda@example.com", "\ufeffada@example.com", "ada@ｅｘａｍｐｌｅ.com",
		"+12015550123", "+1 (201) 555-0123", "\u202a+1 201 555 0123\u202c", "＋１２０１５５５０１２３", "\u2068+1\u00a0201\u2011555\u20110123\u2069", "+١٢٠١٥٥٥٠١٢٣",
	} {
		b := w.open(tx.Cookie)
		if a := b.call("POST", "/v1/client/sign_ins", "identifier", text, "password", "correct horse"); a.StatusCode != 200 || a.at("response.status") != "complete" {
			t.Errorf("%+q: %d %s", text, a.StatusCode, a.body)
		}
	}
	for _, query := range []string{"+12015550123", "%2B12015550123", "%20%2B1%20201%C2%A0555-0123", "%E2%80%AA%2B12015550123%E2%80%AC", "%EF%BC%8B12015550123"} {
		if a := w.backend("GET", "/v1/users?phone_number="+query, "").ok(); a.at("0.username") != "ada" {
			t.Errorf("phone_number=%s finds %s", query, a.body)
		}
	}
}

// appCode returns the code that an authenticator app shows now.
func appCode(w *world, key string) string {
	w.Helper()
	code, err := totp.Code(secret.New(key), w.Now())
	w.Must(err)
	return code
}

// TestNumbersAsTheirRegionWritesThem: every operation that takes a new number takes it in the form
// of its region too. The values are those of libphonenumber's metadata.
func TestNumbersAsTheirRegionWritesThem(t *testing.T) {
	for _, tc := range []struct{ region, text, want string }{
		{"CI", "07 08 09 10 11", "+2250708091011"},
		{"CG", "06 123 4567", "+242061234567"},
		{"RU", "8 (912) 345-67-89", "+79123456789"},
		{"FR", "06 12 34 56 78", "+33612345678"},
		{"FR", "+2250708091011", "+2250708091011"},
		{"JP", "０６０ー１２３４ー５６７８", "+816012345678"},
		{"MX", "+52 1 55 1234 5678", "+525512345678"},
		{"US", "\u202a(201) 555\u20110123\u202c", "+12015550123"},
	} {
		w := newWorld(t)
		w.backend("PATCH", "/v1/instance", `{"sms_countries":["CI","CG","RU","FR","JP","MX","US"]}`).ok()
		given := fmt.Sprintf(`"region":%q,"phone_number":`, tc.region)
		user := w.backend("POST", "/v1/users", fmt.Sprintf(`{%s[%q],"phone_number_identification_status":["reserved"]}`, given, tc.text)).ok()
		same := func(operation string, got any) {
			if got != tc.want {
				t.Errorf("%s, %s, %q: %v, want %s", operation, tc.region, tc.text, got, tc.want)
			}
		}
		same("a new user", user.at("phone_numbers.0.phone_number"))
		w.backend("POST", "/v1/users", fmt.Sprintf(`{%s[%q]}`, given, tc.text)).want(422, "form_identifier_exists")
		w.backend("DELETE", "/v1/users/"+user.text("id"), "").ok()
		b := w.signedIn()
		own := b.call("POST", "/v1/me/phone_numbers", "region", tc.region, "phone_number", tc.text).ok()
		same("an own number", own.at("response.phone_number"))
		again := b.call("POST", "/v1/me/phone_numbers", "phone_number", tc.want).want(422, "form_identifier_exists")
		if again.at("errors.0.meta.phone_number_id") != own.text("response.id") {
			t.Errorf("the user's own number is not named: %s", again.body)
		}
		same("a number of a user", w.backend("POST", "/v1/phone_numbers", fmt.Sprintf(`{%s%q,"user_id":%q}`, given, tc.text, w.user())).ok().at("phone_number"))
		same("one number for all", w.backend("PUT", "/v1/users/"+w.user()+"/phone_number", fmt.Sprintf(`{%s%q}`, given, tc.text)).ok().at("phone_number"))
	}
	w := newWorld(t)
	b := w.signedIn()
	for _, tc := range []struct{ region, text, code, param string }{
		{"GB", "06 12 34 56 78", "form_param_format_invalid", "phone_number"},
		{"UK", "07400 123456", "form_param_value_invalid", "region"},
		{"us", "201 555 0123", "form_param_value_invalid", "region"},
		{"FR", "06 12 34 56 78", "unsupported_country_code", "phone_number"},
		{"FR", "01 42 68 53 00", "unsupported_country_code", "phone_number"},
	} {
		a := b.call("POST", "/v1/me/phone_numbers", "region", tc.region, "phone_number", tc.text)
		if a.at("errors.0.code") != tc.code || a.at("errors.0.meta.param_name") != tc.param {
			t.Errorf("%s, %q: %s", tc.region, tc.text, a.body)
		}
	}
	b.call("POST", "/v1/me/phone_numbers", "phone_number", "(201) 555-0123").want(422, "form_param_format_invalid")
	if a := b.call("GET", "/v1/me/phone_numbers").ok(); a.at("response.0") != nil {
		t.Errorf("a refused number was added: %s", a.body)
	}
}

// TestTheAppNamesAUserWithANumberOnly: by the number, masked, and not by an id that says nothing.
func TestTheAppNamesAUserWithANumberOnly(t *testing.T) {
	w := newWorld(t)
	b := w.open(tx.Cookie)
	b.enter(w.backend("POST", "/v1/users", `{"phone_number":["+12015550123"]}`).ok().text("id"))
	if uri := b.call("POST", "/v1/me/totp").ok().text("response.uri"); !strings.HasPrefix(uri, "otpauth://totp/Example:%2B1%2A%2A%2A%2A%2A%2A%2A23?") {
		t.Errorf("the address is %s", uri)
	}
}

// TestArgon2OfOtherServices: the defaults of Django and libsodium are imported, and a refusal names
// the limits.
func TestArgon2OfOtherServices(t *testing.T) {
	w := newWorld(t)
	create := func(parameters string) *answer {
		return w.backend("POST", "/v1/users", `{"username":"u`+rand.Text()+`","password_hasher":"argon2id","password_digest":"$argon2id$v=19$`+parameters+`$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"}`)
	}
	create("m=102400,t=2,p=8").ok() // Django, Argon2PasswordHasher
	create("m=65536,t=2,p=1").ok()  // libsodium, crypto_pwhash_*_INTERACTIVE
	for _, dear := range []string{"m=262144,t=3,p=1", "m=65536,t=5,p=1", "m=64,t=11,p=1", "m=64,t=1,p=9"} {
		if a := create(dear).want(422, "form_param_value_invalid"); !strings.Contains(a.text("errors.0.long_message"), "128 MiB, 10 passes and 8 lanes") {
			t.Errorf("%s: %s", dear, a.body)
		}
	}
}
