package admin

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// checkUsername refuses what is no username. A username has 1 to 64 ASCII letters, digits and the
// signs that Clerk allows, and one of them is no digit. So it is never read as an e-mail address
// or a phone number, and no two usernames look the same but for case. The sign "+" is Clerk's
// too, but a sign-in reads what begins with it as a number.
func checkUsername(text string) error {
	const digits, rest = "0123456789", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-.!#$^`~"
	switch {
	case strings.Trim(text, digits+rest) != "":
		return apierr.New(apierr.FormUsernameInvalidCharacter).Param("username")
	case text == "" || len(text) > account.UsernameLength:
		return apierr.New(apierr.FormUsernameInvalidLength).Param("username")
	case strings.Trim(text, digits) == "":
		return apierr.New(apierr.FormUsernameNeedsNonNumberChar).Param("username")
	}
	return nil
}

// isEmail says whether a text in lower case can be an e-mail address.
func isEmail(address string) bool {
	name, host, ok := strings.Cut(address, "@")
	odd := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune("<>,;", r) }
	return ok && name != "" && strings.Contains(host, ".") && !strings.Contains(host, "@") && len(address) <= account.EmailLength &&
		utf8.ValidString(address) && !strings.ContainsFunc(address, odd)
}

// checkProfile bounds what a request gave of the free texts and the metadata of a user.
func checkProfile(u *account.User, in UserChange) error {
	for _, field := range []struct {
		param string
		text  *string
	}{{"first_name", in.FirstName}, {"last_name", in.LastName}, {"external_id", in.ExternalID}} {
		if field.text != nil && utf8.RuneCountInString(*field.text) > account.NameLength {
			return apierr.New(apierr.FormParamMaxLengthExceeded).Param(field.param)
		}
	}
	if len(u.Public)+len(u.Private)+len(u.Unsafe) <= account.MetadataBytes {
		return nil
	}
	for _, given := range []struct {
		param string
		data  json.RawMessage
	}{{"public_metadata", in.Public}, {"private_metadata", in.Private}, {"unsafe_metadata", in.Unsafe}} {
		if given.data != nil {
			return apierr.New(apierr.FormParamExceedsAllowedSize).Param(given.param)
		}
	}
	return nil
}

// checkInput refuses a new user that is too large.
func (in UserInput) checkInput() error {
	switch {
	case len(in.Emails) > account.EmailsPerUser:
		return account.TooMany("email_address")
	case len(in.Phones)+len(in.ReservedPhones) > account.PhonesPerUser:
		return account.TooMany("phone_number")
	case in.Username != "":
		return checkUsername(in.Username)
	}
	return nil
}

// checkImported refuses a user of an export who has more identifiers than one commit can claim,
// or a username that no sign-in would find.
func (p Export) checkImported() error {
	switch {
	case len(p.EmailAddresses) > account.ImportedPerUser:
		return account.TooMany("email_addresses")
	case len(p.EmailAddresses)+len(p.PhoneNumbers) > account.ImportedPerUser:
		return account.TooMany("phone_numbers")
	case p.Username != "":
		return checkUsername(p.Username)
	}
	return nil
}
