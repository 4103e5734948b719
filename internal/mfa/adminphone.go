package mfa

import (
	"context"
	"errors"

	"github.com/countersign-mfa/countersign/internal/apierr"
	"github.com/countersign-mfa/countersign/internal/password"
	"github.com/countersign-mfa/countersign/internal/phone"
	"github.com/countersign-mfa/countersign/internal/secret"
)

func passwordError(err error) error {
	if errors.Is(err, password.ErrTooShort) {
		return apierr.New(apierr.FormPasswordLengthTooShort).Param("password")
	}
	return apierr.New(apierr.FormPasswordLengthTooLong).Param("password")
}

// PhoneChange says what a number is to be; nil leaves it as it is.
type PhoneChange struct{ Verified, Primary, Reserved, Default *bool }

// AddUserPhone adds a number to a user on the word of the team's server.
func (s *Service) AddUserPhone(ctx context.Context, user, text string, change PhoneChange) (*PhoneResult, error) {
	n, err := phone.Parse(text)
	if err != nil {
		return nil, apierr.New(apierr.FormParamFormatInvalid).Param("phone_number")
	}
	var out PhoneResult
	err = s.admin(ctx, user, func(t *txn, u *User) error {
		if u.phoneBy(n.E164()) != nil {
			return apierr.New(apierr.FormIdentifierExists).Param("phone_number")
		}
		holder, err := t.claimed(s.claimKey("phone", n.E164()))
		if err != nil {
			return err
		}
		if holder != nil {
			return apierr.New(apierr.FormIdentifierExists).Param("phone_number")
		}
		u.Phones = append(u.Phones, s.newPhone(u, n, t.now))
		return t.changePhone(u, &u.Phones[len(u.Phones)-1], change, &out)
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// UserPhone returns any user's number.
func (s *Service) UserPhone(ctx context.Context, id string) (*PhoneResult, error) {
	return s.adminPhone(ctx, id, func(_ *txn, u *User, p *Phone, out *PhoneResult) error {
		*out = PhoneResult{Phone: p, User: u}
		return nil
	})
}

// ChangeUserPhone changes any user's number.
func (s *Service) ChangeUserPhone(ctx context.Context, id string, change PhoneChange) (*PhoneResult, error) {
	return s.adminPhone(ctx, id, func(t *txn, u *User, p *Phone, out *PhoneResult) error {
		return t.changePhone(u, p, change, out)
	})
}

// DeleteUserPhone removes any user's number.
func (s *Service) DeleteUserPhone(ctx context.Context, id string) (*PhoneResult, error) {
	return s.adminPhone(ctx, id, func(t *txn, u *User, p *Phone, out *PhoneResult) error {
		gone := *p
		*out = PhoneResult{Phone: &gone, User: u}
		return t.dropPhone(u, id)
	})
}

func (s *Service) adminPhone(ctx context.Context, id string, do func(*txn, *User, *Phone, *PhoneResult) error) (*PhoneResult, error) {
	user, _, ok := s.parsePhoneID(id)
	if !ok {
		return nil, apierr.New(apierr.ResourceNotFound)
	}
	var out PhoneResult
	err := s.admin(ctx, prefixUser+user, func(t *txn, u *User) error {
		p := u.phone(id)
		if p == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		out = PhoneResult{}
		return do(t, u, p, &out)
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

func (t *txn) changePhone(u *User, p *Phone, c PhoneChange, out *PhoneResult) error {
	id := p.ID
	if c.Verified != nil && *c.Verified != (p.Verified != 0) {
		if err := t.setVerified(u, p, *c.Verified); err != nil {
			return err
		}
	}
	if c.Reserved != nil {
		if *c.Reserved && p.Verified == 0 {
			return apierr.New(apierr.IdentificationUpdateSecondFactorUnverified)
		}
		p.Reserved = *c.Reserved
	}
	if c.Primary != nil {
		for i := range u.Phones {
			u.Phones[i].Primary = *c.Primary && u.Phones[i].ID == id
		}
	}
	p.touch(t.now)
	u.settleFactors(t.now)
	if c.Default != nil && *c.Default && p.isSecondFactor() {
		t.makeDefault(u, p)
	}
	t.put(u)
	shown := *u.phone(id)
	*out = PhoneResult{Phone: &shown, User: u}
	return nil
}

func (t *txn) setVerified(u *User, p *Phone, on bool) error {
	if on {
		if err := t.claim("phone", p.Number, u, "phone_number"); err != nil {
			return err
		}
		p.Verified, p.Pending = t.now, nil
		return nil
	}
	p.Verified, p.Reserved = 0, false
	return t.release("phone", p.Number, u)
}

// UserSessions lists a user's live sessions.
func (s *Service) UserSessions(ctx context.Context, user string) ([]SessionResult, error) {
	var found []SessionResult
	err := s.admin(ctx, user, func(t *txn, u *User) error {
		var err error
		found, err = t.sessionsOf(u)
		for i := range found {
			found[i].Snapshot = &Snapshot{Now: t.now, Settings: t.state.settings, Users: map[string]*User{u.ID: u}}
		}
		return err
	})
	return found, err
}

// AnySession returns any user's live session.
func (s *Service) AnySession(ctx context.Context, id string) (*SessionResult, error) {
	return s.adminSession(ctx, id, func(*txn, *SessionResult) error { return nil })
}

// RevokeSession ends any user's session.
func (s *Service) RevokeSession(ctx context.Context, id string) (*SessionResult, error) {
	return s.adminSession(ctx, id, func(t *txn, r *SessionResult) error {
		n, _ := parseSession(id)
		gone, err := t.revoke(n)
		r.Session = gone
		return err
	})
}

// AnySessionToken mints a token of any user's session, for tests of the team's servers.
func (s *Service) AnySessionToken(ctx context.Context, id string) (secret.Value, error) {
	var state *settingsState
	r, err := s.adminSession(ctx, id, func(t *txn, _ *SessionResult) error {
		state = t.state
		return nil
	})
	if err != nil {
		return secret.Value{}, err
	}
	key, err := s.signer(ctx, state, r.Snapshot.Now)
	if err != nil {
		return secret.Value{}, err
	}
	return s.mint(key, r.Session, r.Snapshot.Status(r.Session), "", r.Snapshot.Now)
}

func (s *Service) adminSession(ctx context.Context, id string, do func(*txn, *SessionResult) error) (*SessionResult, error) {
	n, ok := parseSession(id)
	if !ok {
		return nil, apierr.New(apierr.ResourceNotFound)
	}
	var out *SessionResult
	err := s.update(ctx, []Key{{KindUser, n.user}, {KindClient, n.client}}, func(t *txn) error {
		c, err := t.client(n.client)
		if err != nil {
			return err
		}
		if c == nil || c.session(id) == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		u, err := t.owner(c.session(id))
		if err != nil {
			return err
		}
		if u == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		shown := *c.session(id)
		out = &SessionResult{Session: &shown, User: u, Snapshot: &Snapshot{Now: t.now, Settings: t.state.settings, Client: c, Users: map[string]*User{u.ID: u}}}
		return do(t, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Settings returns the instance's settings.
func (s *Service) Settings(ctx context.Context) (Settings, error) {
	var set Settings
	err := s.update(ctx, nil, func(t *txn) error {
		set = t.state.settings
		return nil
	})
	return set, err
}

// ChangeSettings changes the instance's settings. Other processes follow within [settingsCached].
func (s *Service) ChangeSettings(ctx context.Context, change func(*Settings)) (Settings, error) {
	var set Settings
	err := s.update(ctx, []Key{settingsKey}, func(t *txn) error {
		stored := t.seen[settingsKey].(*Settings)
		if stored.version == 0 {
			fresh := defaultSettings()
			stored = &fresh
		}
		change(stored)
		stored.UpdatedAt = stored.UpdatedAt.after(t.now)
		t.put(stored)
		set = *stored
		return nil
	})
	s.cache.put(nil)
	return set, err
}
