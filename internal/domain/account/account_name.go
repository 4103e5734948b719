package account

import "github.com/countersign-mfa/countersign/internal/domain/phone"

// AccountName returns the name by which the user tells the account from others: in an
// authenticator, and in a sign-in that began without an identifier. It is the primary e-mail
// address, the username, a masked number, or the id. A number is masked, because authenticators
// show the name on every screen.
func (u *User) AccountName() string {
	switch e := u.PrimaryEmail(); {
	case e != nil:
		return e.Address
	case u.Username != "":
		return u.Username
	}
	if p := u.FindPhone(func(p *Phone) bool { return p.Verified != 0 }); p != nil {
		return phone.Mask(p.Number)
	}
	return u.WireID()
}
