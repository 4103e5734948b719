package sessions

import (
	"crypto/subtle"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// newClientToken gives a client a new token. The old token stops working with the commit.
func newClientToken(t *tx.Tx, c *account.Client, transport tx.TokenTransport) (secret.Value, error) {
	random, err := account.RandomText(t.Engine.Rand, tx.TokenSecret)
	if err != nil {
		return secret.Value{}, err
	}
	text := c.ID + random
	if transport == tx.DevBrowser {
		text = account.PrefixBrowser + text
	}
	c.TokenHash = tx.HashToken(text)
	return secret.New(text), nil
}

// identify finds the calling client. A cookie of a created client goes before a development browser
// that has not become a client.
func identify(t *tx.Tx, from tx.Caller) (*tx.ClientSession, error) {
	found := &tx.ClientSession{}
	if n := len(from.Credentials); n > 0 {
		found.Transport = from.Credentials[n-1].Transport
	}
	if err := rejectTwoClients(t, from); err != nil {
		return nil, err
	}
	var unknownBrowser bool
	for _, cred := range from.Credentials {
		c, err := clientOf(t, cred)
		if err != nil {
			return nil, err
		}
		if c == nil {
			found.Rejected = append(found.Rejected, cred)
			unknownBrowser = unknownBrowser || cred.Transport == tx.DevBrowser
			continue
		}
		if found.Client == nil || c.Created {
			found.Client, found.Transport = c, cred.Transport
		}
		if c.Created {
			break
		}
	}
	if found.Client == nil && unknownBrowser {
		return nil, apierr.New(apierr.DevBrowserUnauthenticated)
	}
	return found, nil
}

// clientOf returns the live client that a credential is the token of, or nil.
func clientOf(t *tx.Tx, cred tx.Credential) (*account.Client, error) {
	c, err := t.Client(tx.TokenClient(cred))
	if err != nil || c == nil || subtle.ConstantTimeCompare(c.TokenHash, tx.HashToken(cred.Token.Reveal())) != 1 || c.Expires <= t.Now {
		return nil, err
	}
	return c, nil
}

// rejectTwoClients refuses a browser that sends the cookies of two clients. A sibling domain can
// plant the second one, and its path decides which comes first. The user would act in an account
// that the attacker chose.
func rejectTwoClients(t *tx.Tx, from tx.Caller) error {
	var one *account.Client
	for _, cred := range from.Credentials {
		if cred.Transport != tx.Cookie {
			continue
		}
		c, err := clientOf(t, cred)
		if err != nil {
			return err
		}
		if c != nil && one != nil && c != one {
			return apierr.New(apierr.FormParamDuplicate).Param("__client")
		}
		if c != nil {
			one = c
		}
	}
	return nil
}

// EnsureClient makes a created client of the caller.
func EnsureClient(t *tx.Tx, p *tx.ClientSession) error {
	if p.Client == nil {
		if err := endLostSessions(t, p); err != nil {
			return err
		}
		id, err := t.Engine.RandomID()
		if err != nil {
			return err
		}
		t.CountAddress(tx.Caller{Address: t.Address}, tx.ClientLimits)
		p.Client = &account.Client{ID: id, CreatedAt: t.Now}
		if p.Token, err = newClientToken(t, p.Client, p.Transport); err != nil {
			return err
		}
	}
	if !p.Client.Created {
		p.Client.Created = true
	}
	p.Client.Expires = max(p.Client.Expires, t.Now.Add(account.AnonymousLife))
	p.Client.Touch(t.Now)
	t.Put(p.Client)
	return nil
}

// RotateToken replaces the client's token after the client gained rights, so that a token that an
// attacker planted before is worthless.
func RotateToken(t *tx.Tx, p *tx.ClientSession) error {
	token, err := newClientToken(t, p.Client, p.Transport)
	if err != nil {
		return err
	}
	p.Token = token
	t.Put(p.Client)
	return nil
}

// RequireSession returns a session of the caller that may do an action: the one named, or with ""
// the last active one. A session that is over or not the caller's is 401.
func RequireSession(t *tx.Tx, p *tx.ClientSession, id string, a authority.Action) (*tx.SignedIn, error) {
	invalid := apierr.New(apierr.AuthenticationInvalid)
	if !p.Exists() {
		return nil, invalid
	}
	if id == "" {
		id = p.Client.LastActive
	}
	s := p.Client.Session(id)
	if s == nil {
		return nil, invalid
	}
	u, err := t.User(s.User())
	if err != nil {
		return nil, err
	}
	if u != nil && u.Banned {
		return nil, apierr.New(apierr.UserBanned)
	}
	if u, err = LiveUser(t, s); err != nil {
		return nil, err
	}
	if u == nil {
		return nil, invalid
	}
	t.Caller = &tx.SignedIn{ClientSession: p, Session: s, User: u}
	return t.Caller, RequireProof(t, t.Caller, a)
}
