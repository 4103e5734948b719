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

// TokenSecret is the bytes of randomness in a client token.
const TokenSecret = 32

func HashToken(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// TokenClient is the client that a token names, or "".
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

// Keys are the records that show who is calling.
func (c Caller) Keys() []store.Key {
	var keys []store.Key
	for _, cred := range c.Credentials {
		if id := TokenClient(cred); id != "" {
			keys = append(keys, store.Key{Kind: store.KindClient, ID: id})
		}
	}
	return keys
}

// ClientSession is the calling client and how it showed itself.
type ClientSession struct {
	Client    *account.Client // nil: none yet
	Transport TokenTransport
	Token     secret.Value // set when the client must keep a new one
	Rejected  []Credential // tokens that are not good, or not good any more
}

// Exists says whether the client exists as far as its owner can see.
func (p *ClientSession) Exists() bool { return p.Client != nil && p.Client.Created }

// SignedIn is a live session with its client and user.
type SignedIn struct {
	*ClientSession
	Session *account.Session
	User    *account.User
	// Proof is the proof that the session holds the factor that it adds.
	Proof authority.Proof
}

// Nonce is what tells the session from all others.
func (caller *SignedIn) Nonce() string {
	n, _ := account.ParseSession(caller.Session.ID)
	return n.Nonce
}

// KeysFor are the records of a caller and of the session it names.
func (c Caller) KeysFor(session string) []store.Key {
	keys := c.Keys()
	if n, ok := account.ParseSession(session); ok {
		keys = append(keys, store.Key{Kind: store.KindUser, ID: n.User})
	}
	return keys
}
