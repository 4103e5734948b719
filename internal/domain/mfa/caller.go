package mfa

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/netip"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/language"
)

// Carrier is the way in which a client token travels.
type Carrier int

// The carriers. Native comes alone; a development browser goes before the cookie.
const (
	Cookie Carrier = iota
	DevBrowser
	Native
)

// Credential is a client token as it was presented.
type Credential struct {
	Carrier Carrier
	Token   secret.Value
}

// Caller is who makes a request, as far as the transport knows.
type Caller struct {
	// Credentials in order of precedence. The last one's carrier is the one to use for a new token.
	Credentials []Credential
	// Session is the session that a request about "me" is for.
	Session string
	Address netip.Addr
	Agent   string
	// Language is the one that the caller prefers: text messages are in it.
	Language language.Tag
	// Origin becomes the azp of session tokens; "" when the request had none.
	Origin string
}

// tokenSecret is the bytes of randomness in a client token.
const tokenSecret = 32

func hashToken(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// tokenClient is the client that a token names, or "".
func tokenClient(c Credential) string {
	text := c.Token.Reveal()
	if c.Carrier == DevBrowser {
		text = strings.TrimPrefix(text, prefixBrowser)
	}
	if len(text) <= idLen || !isID(text[:idLen]) {
		return ""
	}
	return text[:idLen]
}

// newToken gives the client a new token; the one before stops working with the commit.
func (t *txn) newToken(c *Client, carrier Carrier) (secret.Value, error) {
	random, err := randomText(t.s.rand, tokenSecret)
	if err != nil {
		return secret.Value{}, err
	}
	text := c.ID + random
	if carrier == DevBrowser {
		text = prefixBrowser + text
	}
	c.TokenHash = hashToken(text)
	return secret.New(text), nil
}

// keys are the records that show who is calling.
func (c Caller) keys() []Key {
	var keys []Key
	for _, cred := range c.Credentials {
		if id := tokenClient(cred); id != "" {
			keys = append(keys, Key{KindClient, id})
		}
	}
	return keys
}

// A presence is the calling client and how it showed itself.
type presence struct {
	client  *Client // nil: none yet
	carrier Carrier
	token   secret.Value // set when the client must keep a new one
	refused []Credential // tokens that are not good, or not good any more
}

// identify finds the calling client. A development browser that has not become a client gives way to a cookie that has.
func (t *txn) identify(from Caller) (*presence, error) {
	found := &presence{}
	if n := len(from.Credentials); n > 0 {
		found.carrier = from.Credentials[n-1].Carrier
	}
	if err := t.oneCookie(from); err != nil {
		return nil, err
	}
	var unknownBrowser bool
	for _, cred := range from.Credentials {
		c, err := t.bearer(cred)
		if err != nil {
			return nil, err
		}
		if c == nil {
			found.refused = append(found.refused, cred)
			unknownBrowser = unknownBrowser || cred.Carrier == DevBrowser
			continue
		}
		if found.client == nil || c.Created {
			found.client, found.carrier = c, cred.Carrier
		}
		if c.Created {
			break
		}
	}
	if found.client == nil && unknownBrowser {
		return nil, apierr.New(apierr.DevBrowserUnauthenticated)
	}
	return found, nil
}

// bearer returns the client whose token a credential is, or nil.
func (t *txn) bearer(cred Credential) (*Client, error) {
	c, err := t.client(tokenClient(cred))
	if err != nil || c == nil || subtle.ConstantTimeCompare(c.TokenHash, hashToken(cred.Token.Reveal())) != 1 || c.Expires <= t.now {
		return nil, err
	}
	return c, nil
}

// oneCookie refuses a browser that sends the cookies of two clients. A sibling domain can plant the second, and its path decides which comes first:
// the person would act in an account of the attacker's choice.
func (t *txn) oneCookie(from Caller) error {
	var one *Client
	for _, cred := range from.Credentials {
		if cred.Carrier != Cookie {
			continue
		}
		c, err := t.bearer(cred)
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

// visible says whether the client exists as far as its owner can see.
func (p *presence) visible() bool { return p.client != nil && p.client.Created }

// ensure makes the presence a created client.
func (t *txn) ensure(p *presence) error {
	if p.client == nil {
		if err := t.endOrphans(p); err != nil {
			return err
		}
		id, err := t.s.randomID()
		if err != nil {
			return err
		}
		t.takeAddress(Caller{Address: t.address}, clientLimits)
		p.client = &Client{ID: id, CreatedAt: t.now}
		if p.token, err = t.newToken(p.client, p.carrier); err != nil {
			return err
		}
	}
	if !p.client.Created {
		p.client.Created = true
	}
	p.client.Expires = max(p.client.Expires, t.now.Add(AnonymousLife))
	p.client.touch(t.now)
	t.put(p.client)
	return nil
}

// rotate replaces the token after the client gained rights, so that one planted before is worth nothing.
func (t *txn) rotate(p *presence) error {
	token, err := t.newToken(p.client, p.carrier)
	if err != nil {
		return err
	}
	p.token = token
	t.put(p.client)
	return nil
}

// signedIn is a live session with its client and user.
type signedIn struct {
	*presence
	session *Session
	user    *User
	// shown is the proof that the session holds the factor that it adds.
	shown authority.Proof
}

// nonce is what tells the session from all others.
func (in *signedIn) nonce() string {
	n, _ := parseSession(in.session.ID)
	return n.nonce
}

// keysFor are the records of a caller and of the session it names.
func (c Caller) keysFor(session string) []Key {
	keys := c.keys()
	if n, ok := parseSession(session); ok {
		keys = append(keys, Key{KindUser, n.user})
	}
	return keys
}

// live returns the caller's session (the last active one when none is named) for an action that the
// session has proved enough for. A dead or foreign session is 401.
func (t *txn) live(p *presence, id string, a authority.Action) (*signedIn, error) {
	invalid := apierr.New(apierr.AuthenticationInvalid)
	if !p.visible() {
		return nil, invalid
	}
	if id == "" {
		id = p.client.LastActive
	}
	s := p.client.session(id)
	if s == nil {
		return nil, invalid
	}
	u, err := t.user(s.User())
	if err != nil {
		return nil, err
	}
	if u != nil && u.Banned {
		return nil, apierr.New(apierr.UserBanned)
	}
	if u, err = t.owner(s); err != nil {
		return nil, err
	}
	if u == nil {
		return nil, invalid
	}
	t.in = &signedIn{presence: p, session: s, user: u}
	return t.in, t.may(t.in, a)
}
