package tx

import (
	"crypto/sha256"
	"net/netip"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/store"
)

// TokenTransport is the way in which a client token travels.
type TokenTransport int

// The transports. Native comes alone; a development browser goes before the cookie.
const (
	Cookie TokenTransport = iota
	DevBrowser
	Native
)

// Credential is a client token as the request presented it.
type Credential struct {
	Transport TokenTransport
	Token     secret.Value
}

// Caller is the sender of a request, as far as the transport knows.
type Caller struct {
	// Credentials are in order of precedence. The transport of the last one carries a new token.
	Credentials []Credential
	// Session is the id of the session that a request about "me" is for.
	Session string
	Address netip.Addr
	Agent   string
	// Language is the caller's preferred language, used for SMS.
	Language language.Tag
	// Origin becomes the claim azp of session tokens; "" if the request names none.
	Origin string
	// APIVersion is the date of the version of Clerk's protocol that the client was made for; "" if
	// the request names none.
	APIVersion string
}

// TokenSecret is the number of random bytes in a client token.
const TokenSecret = 32

// HashToken returns the SHA-256 hash of a token, which is what records store.
func HashToken(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// TokenClient returns the id of the client that a token names, or "".
func TokenClient(c Credential) string {
	text := c.Token.Reveal()
	if c.Transport == DevBrowser {
		text = strings.TrimPrefix(text, account.PrefixBrowser)
	}
	if len(text) <= account.IDLen || !account.IsID(text[:account.IDLen]) {
		return ""
	}
	return text[:account.IDLen]
}

// Keys returns the records of the clients that the caller's tokens name.
func (c Caller) Keys() []store.Key {
	var keys []store.Key
	for _, cred := range c.Credentials {
		if id := TokenClient(cred); id != "" {
			keys = append(keys, store.Key{Kind: store.KindClient, ID: id})
		}
	}
	return keys
}

// ClientSession is the calling client with the token that identified it.
type ClientSession struct {
	Client    *account.Client // nil: none yet
	Transport TokenTransport
	Token     secret.Value // set when the client must keep a new one
	Rejected  []Credential // tokens that are invalid or no longer valid
}

// Exists reports whether the client exists as far as its owner can see.
func (p *ClientSession) Exists() bool { return p.Client != nil && p.Client.Created }

// SignedIn is a live session with its client and user.
type SignedIn struct {
	*ClientSession
	Session *account.Session
	User    *account.User
	// Proof is the proof that the session holds the factor that it adds.
	Proof authority.Proof
}

// Nonce returns the part of the session's id that tells it from all others.
func (caller *SignedIn) Nonce() string {
	n, _ := account.ParseSession(caller.Session.ID)
	return n.Nonce
}

// KeysFor returns the records of a caller and of the user of a session.
func (c Caller) KeysFor(session string) []store.Key {
	keys := c.Keys()
	if n, ok := account.ParseSession(session); ok {
		keys = append(keys, store.Key{Kind: store.KindUser, ID: n.User})
	}
	return keys
}
