package sessions

import (
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// Stage stages the session's client.
func Stage(caller *tx.SignedIn, t *tx.Tx) {
	caller.Session.Touch(t.Now)
	caller.Client.Touch(t.Now)
	t.Put(caller.Client)
}

// reverified stages a session in which a factor was proved again.
func reverified(caller *tx.SignedIn, t *tx.Tx) {
	Stage(caller, t)
	t.Put(caller.User)
	if n, ok := account.ParseSession(caller.Session.ID); ok {
		audit.Record(t, caller.User, account.EventReverified, n.Subject(caller.Session.CreatedAt))
	}
}
