package sessions

import (
	"crypto/subtle"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// A finished sign-in gives the client a new token. If the answer is lost, the session lives and no
// browser has its token. The browser then begins another sign-in with its old token, which shows
// that the new one never arrived: the session ends. A repetition of the same attempt is refused
// and ends nothing, because it may be a double click whose first answer is under way.

// lostAnswerWindow is how long after a sign-in the client's old token can end that sign-in's
// session.
const lostAnswerWindow = 10 * time.Minute

// formerHashLen is how many bytes of the old token's hash are kept: 96 bits are enough to recognize
// the token.
const formerHashLen = 12

// KeepFormerHash keeps the hash of the token that a sign-in replaces.
func KeepFormerHash(c *account.Client) {
	c.FormerHash = c.TokenHash[:min(len(c.TokenHash), formerHashLen)]
}

// endLostSessions ends the sessions whose tokens never reached the browser that begins a sign-in.
func endLostSessions(t *tx.Tx, p *tx.ClientSession) error {
	for _, cred := range p.Rejected {
		c, err := t.Client(tx.TokenClient(cred))
		if err != nil {
			return err
		}
		if c == nil || len(c.FormerHash) == 0 || subtle.ConstantTimeCompare(c.FormerHash, tx.HashToken(cred.Token.Reveal())[:formerHashLen]) != 1 {
			continue
		}
		s := c.Session(c.LastActive)
		if s == nil || t.Now.Sub(s.CreatedAt) >= lostAnswerWindow || t.IsFuture(s.CreatedAt) {
			continue
		}
		c.FormerHash = nil
		u, err := t.User(s.User())
		if err != nil {
			return err
		}
		if u != nil { // no browser has the token of this client
			forget(u, c.ID)
		}
		if err := End(t, c, s.ID, account.SessionRemoved); err != nil {
			return err
		}
	}
	return nil
}
