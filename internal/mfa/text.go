package mfa

import (
	"fmt"
	"strings"

	"github.com/countersign-mfa/countersign/internal/secret"
)

// segment is how many characters of the GSM alphabet (3GPP TS 23.038) one message carries. A character outside of it would more than halve that, and
// a second segment costs as much as a second message.
const segment = 160

// gsm are the characters that a name may bring into a message: letters, digits and marks that every phone shows.
const gsm = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,-'&/()!?+:"

// text is the message, in one segment. The last line binds the code to the site, so that a phone fills it in there and
// nowhere else (https://wicg.github.io/sms-one-time-codes/).
func (s *Service) text(code string) secret.Value {
	const form = "%s is your %scode. Do not share it.\n\n@%s #%s"
	room := segment - len(fmt.Sprintf(form, code, " ", s.smsHost, code))
	name := plainName(s.appName, room)
	if name != "" {
		name += " "
	}
	return secret.New(fmt.Sprintf(form, code, name, s.smsHost, code))
}

// plainName is as much of a name as fits, without the characters that a message cannot hold.
func plainName(name string, room int) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(gsm, r) {
			return r
		}
		return -1
	}, name)
	return strings.TrimSpace(name[:min(len(name), max(room, 0))])
}
