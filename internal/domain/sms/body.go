package sms

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// GSMSegment is how many characters of the GSM alphabet (3GPP TS 23.038) one message carries. A character outside of it would more than halve that, and
// a second segment costs as much as a second message.
const GSMSegment = 160

// gsmSafe are the characters that a name may bring into a message: letters, digits and marks that every phone shows.
const gsmSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,-'&/()!?+:"

// codeWordings are what a message says, with the code and the application's name. All but the Japanese keep to ASCII, which is in the GSM alphabet:
// an accent of Spanish would not be.
var codeWordings = map[language.Tag]struct{ with, without string }{
	language.English:  {"%[1]s is your %[2]s code. Do not share it.", "%[1]s is your code. Do not share it."},
	language.German:   {"%[1]s ist Ihr Code von %[2]s. Geben Sie ihn niemandem.", "%[1]s ist Ihr Code. Geben Sie ihn niemandem."},
	language.Spanish:  {"%[1]s es su clave de %[2]s. No la comparta.", "%[1]s es su clave. No la comparta."},
	language.Japanese: {"%[2]sの認証コードは%[1]sです。", "認証コードは%[1]sです。"},
}

// UCS2Segment is how many characters one message carries that has any outside of the GSM alphabet.
const UCS2Segment = 70

// codeBody is the message, in one segment. The last line binds the code to the site, so that a phone fills it in there and
// nowhere else (https://wicg.github.io/sms-one-time-codes/).
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
	if utf8.RuneCountInString(body) > room { // a host too long for a wide message
		return codeBody(s, app, code, language.English)
	}
	return secret.New(body + bound)
}

// PlainName is as much of a name as fits, without the characters that a message cannot hold.
func PlainName(name string, room int) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(gsmSafe, r) {
			return r
		}
		return -1
	}, name)
	return strings.TrimSpace(name[:min(len(name), max(room, 0))])
}

// segments is how many messages a text counts as: 160 characters of the GSM alphabet or 70 of UTF-16 fit into one, and fewer into each part of several
// (3GPP TS 23.040). What has two places in the GSM alphabet counts twice.
func segments(text string) int {
	n, whole, part := 0, GSMSegment, 153
	for _, r := range text {
		n++
		if strings.ContainsRune("[]{}\\^|~", r) {
			n++
		}
		if r > unicode.MaxASCII || r == '`' {
			n, whole, part = len(utf16.Encode([]rune(text))), UCS2Segment, 67
			break
		}
	}
	if n <= whole {
		return 1
	}
	return (n + part - 1) / part
}
