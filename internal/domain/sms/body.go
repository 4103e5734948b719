package sms

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

const (
	// GSMSegment is how many characters of the GSM alphabet (3GPP TS 23.038) one segment carries. A
	// second segment costs as much as a second message.
	GSMSegment = 160
	// UCS2Segment is how many characters one segment carries if any is outside of the GSM alphabet.
	UCS2Segment = 70
	// MaxHost is how many characters a host may have so that the English message has one segment.
	MaxHost = GSMSegment - len("\n\n@ #123456") - len("123456 is your code. Do not share it.")
)

// gsmSafe are the characters of a name that a message takes: ASCII that every phone shows.
const gsmSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,-'&/()!?+:"

// codeWordings are the messages, with the code and the application's name. All but the Japanese
// ones keep to ASCII, because some accents of Spanish are outside of the GSM alphabet.
var codeWordings = map[language.Tag]struct{ with, without string }{
	language.English:  {"%[1]s is your %[2]s code. Do not share it.", "%[1]s is your code. Do not share it."},
	language.German:   {"%[1]s ist Ihr Code von %[2]s. Geben Sie ihn niemandem.", "%[1]s ist Ihr Code. Geben Sie ihn niemandem."},
	language.Spanish:  {"%[1]s es su clave de %[2]s. No la comparta.", "%[1]s es su clave. No la comparta."},
	language.Japanese: {"%[2]sの認証コードは%[1]sです。", "認証コードは%[1]sです。"},
}

// codeBody returns the message, in one segment. The last line binds the code to the site, so that a
// phone fills it in on that site only (https://wicg.github.io/sms-one-time-codes/).
func codeBody(s *tx.Engine, app, code string, in language.Tag) secret.Value {
	words, ok := codeWordings[in]
	if !ok {
		words = codeWordings[language.English]
	}
	bound := "\n\n@" + s.SMSHost + " #" + code
	room := GSMSegment
	if strings.IndexFunc(words.with, func(r rune) bool { return r > unicode.MaxASCII }) >= 0 {
		room = UCS2Segment
	}
	room -= utf8.RuneCountInString(bound)
	name := PlainName(app, room-utf8.RuneCountInString(fmt.Sprintf(words.with, code, "")))
	body := fmt.Sprintf(words.with, code, name)
	if name == "" {
		body = fmt.Sprintf(words.without, code)
	}
	// The host is too long for this language.
	if utf8.RuneCountInString(body) > room && in != language.English {
		return codeBody(s, app, code, language.English)
	}
	return secret.New(body + bound)
}

// AppName returns the name that a message calls the application: the one in the settings if a
// message can hold every letter of it, else the deployed one.
func AppName(s *account.Settings, deployed string) string {
	if s.Appearance.Name != "" && strings.Trim(s.Appearance.Name, gsmSafe) == "" {
		return s.Appearance.Name
	}
	return deployed
}

// PlainName returns as much of a name as fits into room, without the characters that a message does
// not take.
func PlainName(name string, room int) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(gsmSafe, r) {
			return r
		}
		return -1
	}, name)
	return strings.TrimSpace(name[:min(len(name), max(room, 0))])
}

// segments returns how many messages a body is billed as. One segment has 160 characters of the
// GSM alphabet or 70 of UTF-16, and each of several has 153 or 67 (3GPP TS 23.040). A character
// with two places in the GSM alphabet counts twice.
func segments(body string) int {
	n, whole, part := 0, GSMSegment, 153
	for _, r := range body {
		n++
		if strings.ContainsRune("[]{}\\^|~", r) {
			n++
		}
		if r > unicode.MaxASCII || r == '`' {
			n, whole, part = len(utf16.Encode([]rune(body))), UCS2Segment, 67
			break
		}
	}
	if n <= whole {
		return 1
	}
	return (n + part - 1) / part
}
