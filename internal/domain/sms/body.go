package sms

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/gsm"
	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/domain/typed"
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

// codeWordings are the messages, with the code and the application's name. All but the Japanese
// ones keep to the GSM alphabet, which lacks some accents of Spanish, French and Portuguese.
var codeWordings = map[language.Tag]struct{ with, without string }{
	language.English:    {"%[1]s is your %[2]s code. Do not share it.", "%[1]s is your code. Do not share it."},
	language.German:     {"%[1]s ist Ihr Code von %[2]s. Geben Sie ihn niemandem.", "%[1]s ist Ihr Code. Geben Sie ihn niemandem."},
	language.Spanish:    {"%[1]s es tu clave de %[2]s. No la compartas.", "%[1]s es tu clave. No la compartas."},
	language.French:     {"%[1]s est votre code %[2]s. Ne le donnez pas.", "%[1]s est votre code. Ne le donnez pas."},
	language.Portuguese: {"Use %[1]s para se identificar em %[2]s. Guarde em segredo.", "Use %[1]s para se identificar. Guarde em segredo."},
	language.Japanese:   {"%[2]sの認証コードは%[1]sです。", "認証コードは%[1]sです。"},
}

// codeBody returns the message, in one segment. The last line binds the code to the site, so that a
// phone fills it in on that site only (https://wicg.github.io/sms-one-time-codes/).
func codeBody(s *tx.Engine, names []string, code string, in language.Tag) secret.Value {
	words, ok := codeWordings[in]
	if !ok {
		words = codeWordings[language.English]
	}
	bound := "\n\n@" + s.SMSHost + " #" + code
	body := WithName(names, func(name string) string { return fmt.Sprintf(words.with, code, name) + bound })
	if body == "" {
		body = fmt.Sprintf(words.without, code) + bound
	}
	// The host is too long for this language.
	if segments(body) > 1 && in != language.English {
		return codeBody(s, names, code, language.English)
	}
	return secret.New(body)
}

// Names returns the names by which a message may call the application, the preferred one first: the
// one for messages, the one of the pages, and the deployed one.
func Names(s *account.Settings, deployed string) []string {
	return slices.DeleteFunc([]string{s.SMSName, s.Appearance.Name, deployed}, func(name string) bool { return name == "" })
}

// IsName reports whether a message can call the application by the name: one line without invisible
// characters, "@" and "#", and not of signs alone. The empty name is none, and right.
func IsName(name string) bool {
	folded, ok := gsm.Fold(name)
	return name == "" || shownName(name) == gsm.Composed(name) && readable(name) && (!ok || readable(folded))
}

// readable reports whether a text has a letter or a digit. A name of signs alone tells a person
// nothing about the sender.
func readable(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}

// WithName returns a message of one segment with the first of the names that it can hold, or "". A
// message in the GSM alphabet folds a name into it, or else becomes one in UCS-2 if that has room
// for the whole name: a name without some of its letters looks like that of another sender. A name
// that is only too long is cut, and a name of signs alone is passed over.
func WithName(names []string, with func(name string) string) string {
	frame := with("")
	used, inGSM := gsm.Places(frame)
	room := UCS2Segment - gsm.Units(frame)
	for _, name := range names {
		whole := shownName(name)
		if folded, ok := gsm.Fold(whole); ok && inGSM {
			whole = gsm.Cut(folded, GSMSegment-used, places)
		} else if !inGSM {
			whole = gsm.Cut(whole, room, gsm.Units)
		} else if gsm.Units(whole) > room {
			continue
		}
		if readable(whole) {
			return with(whole)
		}
	}
	return ""
}

// shownName returns a name in one line, without invisible characters, and without the two that
// begin the parts of the line that binds a code to a site. The joiners of Persian and Indic names
// stay.
func shownName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.In(r, unicode.Zl, unicode.Zp):
			return ' '
		case strings.ContainsRune("@#＠＃﹫﹟", r), unicode.IsControl(r), !typed.IsJoiner(r) && typed.Invisible(r):
			return -1
		}
		return r
	}, name)
	return strings.Join(strings.Fields(gsm.Composed(name)), " ")
}

func places(text string) int {
	n, _ := gsm.Places(text)
	return n
}

// segments returns how many messages a body is billed as. One segment has 160 places of the GSM
// alphabet or 70 units of UCS-2, and each of several has 153 or 67 (3GPP TS 23.040, and
// https://docs.aws.amazon.com/sms-voice/latest/userguide/sms-limitations-character.html).
func segments(body string) int {
	n, ok := gsm.Places(body)
	whole, part := GSMSegment, 153
	if !ok {
		n, whole, part = gsm.Units(body), UCS2Segment, 67
	}
	if n <= whole {
		return 1
	}
	return (n + part - 1) / part
}
