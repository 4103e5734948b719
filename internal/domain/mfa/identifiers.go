package mfa

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// Limits of a user's record. They keep it, and the commit that makes it, within what a store
// takes.
const (
	emailsPerUser = 10
	phonesPerUser = 10
	// importedPerUser holds for users of an export, which may be from before the limits above.
	importedPerUser = 90
	// usernameLength and nameLength are in characters. The first is Clerk's.
	usernameLength = 64
	nameLength     = 256
	// emailLength is the longest address that a mail server takes, RFC 5321 section 4.5.3.1.3, in
	// bytes.
	emailLength = 254
	// metadataBytes is Clerk's limit for all metadata of a user together.
	metadataBytes = 8 << 10
)

// identifierLength bounds what is looked up as an identifier, in bytes: RFC 3696 erratum 1690
// allows an address 64 + 1 + 255. Nothing longer can be one.
const identifierLength = 320

func tooMany(param string) error {
	return apierr.New(apierr.FormParamArraySizeExceeded).Param(param)
}

// checkUsername refuses what is no username. A username has 1 to 64 ASCII letters, digits and the
// signs that Clerk allows, and one of them is no digit. So it is never read as an e-mail address
// or a phone number, and no two usernames look the same but for case. The sign "+" is Clerk's
// too, but a sign-in reads what begins with it as a number.
func checkUsername(text string) error {
	const digits, rest = "0123456789", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-.!#$^`~"
	switch {
	case strings.Trim(text, digits+rest) != "":
		return apierr.New(apierr.FormUsernameInvalidCharacter).Param("username")
	case text == "" || len(text) > usernameLength:
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
	return ok && name != "" && strings.Contains(host, ".") && !strings.Contains(host, "@") && len(address) <= emailLength &&
		utf8.ValidString(address) && !strings.ContainsFunc(address, odd)
}

// checkProfile bounds what a request gave of the free texts and the metadata of a user.
func (u *User) checkProfile(in UserChange) error {
	for _, field := range []struct {
		param string
		text  *string
	}{{"first_name", in.FirstName}, {"last_name", in.LastName}, {"external_id", in.ExternalID}} {
		if field.text != nil && utf8.RuneCountInString(*field.text) > nameLength {
			return apierr.New(apierr.FormParamMaxLengthExceeded).Param(field.param)
		}
	}
	if len(u.Public)+len(u.Private)+len(u.Unsafe) <= metadataBytes {
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
	case len(in.Emails) > emailsPerUser:
		return tooMany("email_address")
	case len(in.Phones)+len(in.ReservedPhones) > phonesPerUser:
		return tooMany("phone_number")
	case in.Username != "":
		return checkUsername(in.Username)
	}
	return nil
}

// checkImported refuses a user of an export who has more identifiers than one commit can claim,
// or a username that no sign-in would find.
func (p Export) checkImported() error {
	switch {
	case len(p.EmailAddresses) > importedPerUser:
		return tooMany("email_addresses")
	case len(p.EmailAddresses)+len(p.PhoneNumbers) > importedPerUser:
		return tooMany("phone_numbers")
	case p.Username != "":
		return checkUsername(p.Username)
	}
	return nil
}
