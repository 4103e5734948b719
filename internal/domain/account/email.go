package account

import "strings"

// Email is an e-mail address. Countersign sends no mail; the Backend API vouches for the address.
type Email struct {
	ID      string `json:"-"` // prefix, user and the random part of Name
	Name    string `json:"i"` // prefix and random text
	Address string `json:"a"`
	// Unverified is set for an address that the user does not sign in with, and that another user
	// may hold. The zero value is the state of records from before it was stored.
	Unverified bool `json:"n,omitempty"`
	// Primary is set for the address that was chosen as primary. See [User.PrimaryEmail].
	Primary   bool    `json:"m,omitempty"`
	CreatedAt Instant `json:"c"`
	UpdatedAt Instant `json:"u,omitempty"` // 0: never since CreatedAt
}

// NewEmail returns a verified address of a user, whose id has the random text.
func NewEmail(u *User, random, address string, now Instant) Email {
	return Email{ID: PrefixID + u.ID + random, Name: PrefixID + random, Address: address, CreatedAt: now}
}

// EmailUser returns the user that the id of an e-mail address names, or "". The id names its user,
// so that a request finds the address without an index.
func EmailUser(id string) string {
	user, _ := parseEmailID(id)
	return user
}

// EmailText returns the random text in the id of a user's exported address, or "". The id of an
// older export is a prefix and that text.
func EmailText(user, id string) string {
	if owner, random := parseEmailID(id); owner == user {
		return random
	}
	return BareID(PrefixID, id)
}

func parseEmailID(id string) (user, random string) {
	rest, ok := strings.CutPrefix(id, PrefixID)
	if !ok || len(rest) != 2*IDLen || !IsID(rest[:IDLen]) || !IsID(rest[IDLen:]) {
		return "", ""
	}
	return rest[:IDLen], rest[IDLen:]
}

// nameEmails sets the ids of the user's addresses.
func (u *User) nameEmails() {
	for i := range u.Emails {
		e := &u.Emails[i]
		e.ID = PrefixID + u.ID + strings.TrimPrefix(e.Name, PrefixID)
	}
}

// Email returns the address with an id, or nil.
func (u *User) Email(id string) *Email {
	for i := range u.Emails {
		if u.Emails[i].ID == id {
			return &u.Emails[i]
		}
	}
	return nil
}

// PrimaryEmail returns the user's primary address, or nil: the verified address that was chosen,
// else the first verified one.
func (u *User) PrimaryEmail() *Email {
	var first *Email
	for i := range u.Emails {
		e := &u.Emails[i]
		switch {
		case e.Unverified:
		case e.Primary:
			return e
		case first == nil:
			first = e
		}
	}
	return first
}

// ChooseEmail makes the address with an id the one that was chosen as primary; "" leaves none.
func (u *User) ChooseEmail(id string) {
	for i := range u.Emails {
		u.Emails[i].Primary = u.Emails[i].ID == id
	}
}

// Changed returns when the address was last changed.
func (e *Email) Changed() Instant { return max(e.CreatedAt, e.UpdatedAt) }
