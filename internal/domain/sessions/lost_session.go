package sessions

import (
	"crypto/subtle"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// lostAnswerWindow is how long after a sign-in the client's token of before still ends that sign-in's session.
const lostAnswerWindow = 10 * time.Minute

// formerHashLen is enough of the hash of a token to know it again: 96 bits.
const formerHashLen = 12

// A finished sign-in gives the client a new token. When that answer is lost, the session lives and no
// browser holds it. The browser begins again with the token of before, and so says that it never got
// the new one: then the session ends. A repetition of the same attempt is refused and ends nothing,
// because it may be a double click whose first answer is under way.

// KeepFormerHash marks the token that a sign-in replaces.
func KeepFormerHash(c *account.Client) {
	c.FormerHash = c.TokenHash[:min(len(c.TokenHash), formerHashLen)]
}

// endLostSessions ends the sessions whose tokens never reached the browser that begins a sign-in now.
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
		if err := End(t, c, s.ID, account.SessionRemoved); err != nil {
			return err
		}
	}
	return nil
}
