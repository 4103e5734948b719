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

// TokenTransport is the way in which a client token travels.
type TokenTransport int

// The carriers. Native comes alone; a development browser goes before the cookie.
const (
	Cookie TokenTransport = iota
	DevBrowser
	Native
)

// Credential is a client token as it was presented.
type Credential struct {
	Transport TokenTransport
	Token     secret.Value
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
	if c.Transport == DevBrowser {
		text = strings.TrimPrefix(text, prefixBrowser)
	}
	if len(text) <= idLen || !isID(text[:idLen]) {
		return ""
	}
	return text[:idLen]
}

// newClientToken gives the client a new token; the one before stops working with the commit.
func (t *txn) newClientToken(c *Client, carrier TokenTransport) (secret.Value, error) {
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

// clientSession is the calling client and how it showed itself.
type clientSession struct {
	client    *Client // nil: none yet
	transport TokenTransport
	token     secret.Value // set when the client must keep a new one
	rejected  []Credential // tokens that are not good, or not good any more
}

// identify finds the calling client. A development browser that has not become a client gives way to a cookie that has.
func (t *txn) identify(from Caller) (*clientSession, error) {
	found := &clientSession{}
	if n := len(from.Credentials); n > 0 {
		found.transport = from.Credentials[n-1].Transport
	}
	if err := t.rejectTwoClients(from); err != nil {
		return nil, err
	}
	var unknownBrowser bool
	for _, cred := range from.Credentials {
		c, err := t.clientOf(cred)
		if err != nil {
			return nil, err
		}
		if c == nil {
			found.rejected = append(found.rejected, cred)
			unknownBrowser = unknownBrowser || cred.Transport == DevBrowser
			continue
		}
		if found.client == nil || c.Created {
			found.client, found.transport = c, cred.Transport
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

// clientOf returns the client whose token a credential is, or nil.
func (t *txn) clientOf(cred Credential) (*Client, error) {
	c, err := t.client(tokenClient(cred))
	if err != nil || c == nil || subtle.ConstantTimeCompare(c.TokenHash, hashToken(cred.Token.Reveal())) != 1 || c.Expires <= t.now {
		return nil, err
	}
	return c, nil
}

// rejectTwoClients refuses a browser that sends the cookies of two clients. A sibling domain can plant the second, and its path decides which comes first:
// the person would act in an account of the attacker's choice.
func (t *txn) rejectTwoClients(from Caller) error {
	var one *Client
	for _, cred := range from.Credentials {
		if cred.Transport != Cookie {
			continue
		}
		c, err := t.clientOf(cred)
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

// exists says whether the client exists as far as its owner can see.
func (p *clientSession) exists() bool { return p.client != nil && p.client.Created }

// ensureClient makes the caller a created client.
func (t *txn) ensureClient(p *clientSession) error {
	if p.client == nil {
		if err := t.endLostSessions(p); err != nil {
			return err
		}
		id, err := t.s.randomID()
		if err != nil {
			return err
		}
		t.countAddress(Caller{Address: t.address}, clientLimits)
		p.client = &Client{ID: id, CreatedAt: t.now}
		if p.token, err = t.newClientToken(p.client, p.transport); err != nil {
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

// rotateToken replaces the token after the client gained rights, so that one planted before is worth nothing.
func (t *txn) rotateToken(p *clientSession) error {
	token, err := t.newClientToken(p.client, p.transport)
	if err != nil {
		return err
	}
	p.token = token
	t.put(p.client)
	return nil
}

// signedIn is a live session with its client and user.
type signedIn struct {
	*clientSession
	session *Session
	user    *User
	// proof is the proof that the session holds the factor that it adds.
	proof authority.Proof
}

// nonce is what tells the session from all others.
func (caller *signedIn) nonce() string {
	n, _ := parseSession(caller.session.ID)
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

// requireSession returns the caller's session (the last active one when none is named) for an action that the
// session has proved enough for. A dead or foreign session is 401.
func (t *txn) requireSession(p *clientSession, id string, a authority.Action) (*signedIn, error) {
	invalid := apierr.New(apierr.AuthenticationInvalid)
	if !p.exists() {
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
	if u, err = t.sessionUser(s); err != nil {
		return nil, err
	}
	if u == nil {
		return nil, invalid
	}
	t.caller = &signedIn{clientSession: p, session: s, user: u}
	return t.caller, t.requireProof(t.caller, a)
}
