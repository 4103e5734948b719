package admin

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// checkUsername refuses an invalid username. A username has 1 to 64 ASCII letters, digits and the
// signs that Clerk allows, and at least one character that is no digit. So no username can be read
// as an e-mail address or a phone number, and no two look the same except for case. Clerk also
// allows "+", but a sign-in reads an identifier that begins with it as a number.
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

// isEmail reports whether a lower-case text can be an e-mail address.
func isEmail(address string) bool {
	name, host, ok := strings.Cut(address, "@")
	odd := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune("<>,;", r) }
	return ok && name != "" && strings.Contains(host, ".") && !strings.Contains(host, "@") && len(address) <= account.EmailLength &&
		utf8.ValidString(address) && !strings.ContainsFunc(address, odd)
}

// checkProfile limits the texts and the metadata of a request.
func checkProfile(u *account.User, in UserChange) error {
	for _, field := range []struct {
		param string
		text  *string
	}{{"first_name", in.FirstName}, {"last_name", in.LastName}, {"external_id", in.ExternalID}} {
		if field.text != nil && utf8.RuneCountInString(*field.text) > account.NameLength {
			return apierr.New(apierr.FormParamMaxLengthExceeded).Param(field.param)
		}
	}
	return CheckMetadata(u, Metadata{in.Public, in.Private, in.Unsafe})
}

// CheckMetadata refuses a change after which the user's metadata is too large. The error names the
// first part that the request changes.
func CheckMetadata(u *account.User, in Metadata) error {
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

// checkInput refuses a new user with too many identifiers or an invalid username.
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

// checkImported refuses an exported user with more identifiers than one commit can claim, or with a
// username that no sign-in finds.
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
