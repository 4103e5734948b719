package local

import (
	"context"
	"encoding/json"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Demo is a user that development starts with.
type Demo struct{ Name, Email, Note string }

// demoPassword is the password of every demo user.
const demoPassword = "demo-password"

// demoMark is the private metadata by which the first page knows a demo user.
const demoMark = `{"demo":true}`

func isDemo(u *account.User) bool { return string(u.Private) == demoMark }

var demos = []Demo{
	{"Ada", "ada@example.com", "no second factor yet"},
	{"Grace", "grace@example.com", "text messages to +12015550101, in the outbox"},
}

// seed creates the demo users and relaxed settings, once.
func (a *App) seed(ctx context.Context) error {
	if users, _, err := a.Service.Store.List(ctx, store.KindUser, "", 1); err != nil || len(users) > 0 {
		return err
	}
	a.seeding = true
	defer func() { a.seeding = false }()
	// Notices would come between the codes that developers look for in the outbox.
	if _, err := a.Service.Settings.Change(ctx, func(s *account.Settings) { s.TestMode, s.IPLimits, s.QuietChanges = true, false, true }); err != nil {
		return err
	}
	for _, d := range demos {
		in := admin.UserInput{FirstName: d.Name, Emails: []string{d.Email}, Password: secret.New(demoPassword), Private: json.RawMessage(demoMark)}
		if d.Name == "Grace" {
			in.ReservedPhones = []string{"+12015550101"}
		}
		if _, err := a.Service.Admin.CreateUser(ctx, in); err != nil {
			return err
		}
	}
	return nil
}
