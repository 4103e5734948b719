package admin

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/identifier"
	"github.com/countersign-mfa/countersign/internal/domain/passkeys"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/domain/typed"
	"github.com/countersign-mfa/countersign/internal/store"
)

// CheckUsername refuses an invalid username. A username has 1 to 64 ASCII letters, digits and the
// signs that Clerk allows, and at least one character that is no digit. So no username can be read
// as an e-mail address or a phone number, and no two look the same except for case. Clerk also
// allows "+", but a sign-in reads an identifier that begins with it as a number.
func CheckUsername(text string) error {
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

// held is an identifier of a user: its kind, its text, and the parameter of the API that sets it.
type held struct {
	kind        identifier.Kind
	text, param string
	// unclaimed is set for a number or address that the user only added, and that another user may
	// verify.
	unclaimed bool
}

// identifiersOf returns the identifiers of a user.
func identifiersOf(u *account.User) []held {
	var all []held
	if u.Username != "" {
		all = append(all, held{kind: identifier.Username, text: u.Username, param: "username"})
	}
	if u.ExternalID != "" {
		all = append(all, held{kind: identifier.ExternalID, text: u.ExternalID, param: "external_id"})
	}
	for _, e := range u.Emails {
		all = append(all, held{kind: identifier.Email, text: e.Address, param: "email_address", unclaimed: e.Unverified})
	}
	for i := range u.Phones {
		p := &u.Phones[i]
		all = append(all, held{kind: identifier.Phone, text: p.Number, param: "phone_number", unclaimed: p.Verified == 0})
	}
	for i := range u.Passkeys {
		if p := &u.Passkeys[i]; p.Verified != 0 {
			all = append(all, held{kind: identifier.Credential, text: passkeys.CredentialText(p), param: "passkeys"})
		}
	}
	return all
}

// claimsOf returns the claims of the user's identifiers and of more, in every form.
func claimsOf(t *tx.Tx, u *account.User, more ...held) []store.Key {
	var keys []store.Key
	for _, h := range append(identifiersOf(u), more...) {
		for _, k := range t.Engine.ClaimKeys(h.kind, h.text) {
			if !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	return keys
}

// ClaimAll claims all identifiers of a user, after one read.
func ClaimAll(t *tx.Tx, u *account.User) error {
	if err := t.Read(claimsOf(t, u)...); err != nil {
		return err
	}
	for _, h := range identifiersOf(u) {
		if h.unclaimed {
			continue
		}
		if err := t.Claim(h.kind, h.text, u, h.param); err != nil {
			return err
		}
	}
	return nil
}

// checkFree refuses an identifier that another user holds.
func checkFree(t *tx.Tx, u *account.User, kind identifier.Kind, text, param string) error {
	holder, err := t.ClaimUser(t.Engine.ClaimKeys(kind, text)...)
	if err == nil && holder != nil && holder.ID != u.ID {
		err = apierr.New(apierr.FormIdentifierExists).Param(param)
	}
	return err
}

// changeIdentifier releases one identifier of a user and claims another one; "" is none.
func changeIdentifier(t *tx.Tx, u *account.User, kind identifier.Kind, was, is, param string) error {
	if identifier.Normal(kind, was) == identifier.Normal(kind, is) {
		return nil
	}
	if err := t.Read(append(t.Engine.ClaimKeys(kind, was), t.Engine.ClaimKeys(kind, is)...)...); err != nil {
		return err
	}
	if err := t.Release(kind, was, u); err != nil {
		return err
	}
	if is == "" {
		return nil
	}
	return t.Claim(kind, is, u, param)
}

// checkProfile limits the texts and the metadata of a request.
func checkProfile(u *account.User, in UserChange) error {
	for _, field := range []struct {
		param string
		text  *string
	}{{"first_name", in.FirstName}, {"last_name", in.LastName}, {"external_id", in.ExternalID}} {
		if field.text == nil {
			continue
		}
		text := *field.text
		if field.param != "external_id" {
			text = typed.PlainName(text)
		}
		if utf8.RuneCountInString(*field.text) > account.NameLength {
			return apierr.New(apierr.FormParamMaxLengthExceeded).Param(field.param)
		}
		if typed.Misleads(text) {
			return apierr.New(apierr.FormParamFormatInvalid).Param(field.param)
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
			return apierr.New(apierr.FormParamExceedsAllowedSize).Param(given.param).Explain(fmt.Sprintf(
				"The metadata of a user, public, private and unsafe together, is larger than %d KiB.", account.MetadataBytes>>10))
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
		return CheckUsername(in.Username)
	}
	return nil
}
