package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// targetUser is the id of the user as a target. A notice tells the user by SMS what was done to
// the account, on a number that was not changed itself. It is one more target of a commit's
// events, so no operation waits for it or fails with it. It passes the SMS guard and is sent at
// most once.
const targetUser = "user"

// noticeRules limit a user's notices, so that most messages of a day are left for codes.
var noticeRules = []ratelimit.Rule{{Limit: 3, Window: 24 * time.Hour}}

// noticeTries is how often a notice is tried that the SMS guard refuses: at once, after 5 seconds
// and after 5 minutes. Often a code that was sent just before uses up the limit.
const noticeTries = 3

// notices are the two messages, with the application's name: of a change, and of unusual activity.
var notices = map[language.Tag][2]string{
	language.English:    {"The sign-in settings of your %s account were changed. If it was not you, contact support.", "Unusual sign-in activity on your %s account. If it was not you, contact support."},
	language.German:     {"Die Anmeldung Ihres Kontos bei %s wurde geändert. Waren Sie es nicht, wenden Sie sich an den Support.", "Ungewöhnliche Anmeldung bei Ihrem Konto bei %s. Waren Sie es nicht, wenden Sie sich an den Support."},
	language.Spanish:    {"Se han cambiado los datos de acceso de tu cuenta de %s. Si no los has cambiado, avisa a soporte.", "Actividad inusual en el acceso a tu cuenta de %s. Si no la reconoces, avisa a soporte."},
	language.Japanese:   {"%sのサインイン設定が変更されました。心当たりがない場合はサポートにご連絡ください。", "%sで通常と異なるサインイン操作がありました。心当たりがない場合はサポートにご連絡ください。"},
	language.French:     {"Les paramètres de connexion de votre compte %s ont été modifiés. Si ce n'était pas vous, contactez l'assistance.", "Connexion inhabituelle à votre compte %s. Si ce n'était pas vous, contactez l'assistance."},
	language.Portuguese: {"As formas de entrar na sua conta %s mudaram. Se foi sem o seu conhecimento, contate o suporte.", "Atividade incomum no acesso da sua conta %s. Se foi sem o seu conhecimento, contate o suporte."},
}

// warnings are the events of unusual activity. All others are changes.
var warnings = []eventtype.Name{eventtype.UserLocked, eventtype.FactorDisabled, eventtype.Replay, eventtype.BackupUsed}

// noticeBody returns the message, in one segment, with the first of the names that it can hold. It
// has no code, no link and no text of a user's.
func noticeBody(names []string, name eventtype.Name, in language.Tag) secret.Value {
	words, ok := notices[in]
	if !ok {
		words = notices[language.English]
	}
	form := words[0]
	if slices.Contains(warnings, name) {
		form = words[1]
	}
	return secret.New(sms.WithName(names, func(app string) string { return fmt.Sprintf(form, app) }))
}

// firstNotice returns the first event of a record that its user is told about, and the phone to
// text, or nil. The phone is the one that was verified first, because an attacker who took an
// account over adds numbers. It is never one that the events changed.
func firstNotice(j *account.EventRecord, u *account.User) (*account.Phone, eventtype.Name) {
	var name eventtype.Name
	var changed []string
	for _, a := range j.Events {
		if a.User != u.ID {
			continue
		}
		if changed = append(changed, a.Subject); name == "" && a.Name.Kind().Notify {
			name = a.Name
		}
	}
	if name == "" {
		return nil, ""
	}
	var to *account.Phone
	for i := range u.Phones {
		p := &u.Phones[i]
		if p.Verified != 0 && !slices.Contains(changed, p.ID) && (to == nil || p.Verified < to.Verified) {
			to = p
		}
	}
	return to, name
}

// noticesOff reports whether notices, or all SMS, are switched off.
func noticesOff(s *account.Settings) bool { return s.QuietChanges || !s.SMSCode }

// stageNotice stages the notice of a commit if its user has a phone to text.
func stageNotice(t *tx.Tx, j *account.EventRecord, d *account.DeliveryRecord) {
	if noticesOff(&t.State.Settings) {
		return
	}
	for _, a := range j.Events {
		u, ok := t.Seen[store.Key{Kind: store.KindUser, ID: a.User}].(*account.User)
		if !ok || u.Version == 0 || u.Erasing != nil || t.Dirty[u.Key()] { // imported or deleted
			continue
		}
		if to, _ := firstNotice(j, u); to != nil {
			d.To = append(d.To, account.DeliveryTarget{ID: targetUser, Next: t.Now})
			d.Language = t.Language
			return
		}
	}
}

// notifyUser sends the notice of a record. A notice that the SMS guard refuses is tried
// [noticeTries] times. After that the event is in the event log only.
func (s *Service) notifyUser(ctx context.Context, id string) (sent bool, err error) {
	keys := []store.Key{{Kind: store.KindDelivery, ID: id}, {Kind: store.KindEvent, ID: id}}
	err = s.Update(ctx, keys, func(t *tx.Tx) error {
		sent = false
		t.BySystem = true
		d, err := tx.Load[*account.DeliveryRecord](t, keys[0])
		if err != nil || d == nil || d.Target(targetUser) == nil || d.Target(targetUser).Next > t.Now {
			return err
		}
		j, err := tx.Load[*account.EventRecord](t, keys[1])
		if err != nil {
			return err
		}
		removeTarget(t, d, targetUser)
		if j == nil || noticesOff(&t.State.Settings) {
			return nil
		}
		sent, err = sendNotice(t, j, d.Language)
		return err
	})
	if wrong := (*apierr.Error)(nil); errors.As(err, &wrong) { // of the SMS guard or the network
		return false, s.retryNotice(ctx, keys[0])
	}
	return sent, err
}

// sendNotice authorizes the notice of a record and sends it after the commit.
func sendNotice(t *tx.Tx, j *account.EventRecord, in language.Tag) (bool, error) {
	for _, a := range j.Events {
		u, err := t.User(a.User)
		if err != nil {
			return false, err
		}
		if u == nil || u.Banned || u.Notices.Wait(t.Now.Time(), noticeRules...) > 0 {
			continue
		}
		to, name := firstNotice(j, u)
		if to == nil {
			continue
		}
		number, err := phone.New(to.Number, to.Country, to.Line)
		if err != nil {
			return false, fmt.Errorf("stored number: %w", err)
		}
		u.Notices = u.Notices.Add(t.Now.Time(), noticeRules...)
		names := append(sms.Names(&t.State.Settings, t.Engine.AppName), t.Engine.SMSHost)
		m := tx.Message{To: number, Body: noticeBody(names, name, in), Test: sms.IsTest(t, number)}
		text, err := sms.Authorize(t, u, to, m, account.Notice, tx.Caller{}, account.KnownDevice)
		if err != nil {
			return false, err
		}
		t.After = append(t.After, func() error { return sms.Send(t, text, m) })
		return true, nil
	}
	return false, nil
}

// removeTarget removes a target from a delivery, and deletes a delivery without targets.
func removeTarget(t *tx.Tx, d *account.DeliveryRecord, id string) {
	if d.To = slices.DeleteFunc(d.To, func(to account.DeliveryTarget) bool { return to.ID == id }); len(d.To) == 0 {
		t.Delete(d)
		return
	}
	t.Put(d)
}

// retryNotice puts a notice off. If the commit that sent the notice went through, the target is
// gone.
func (s *Service) retryNotice(ctx context.Context, key store.Key) error {
	return s.Update(ctx, []store.Key{key}, func(t *tx.Tx) error {
		t.BySystem = true
		d, err := tx.Load[*account.DeliveryRecord](t, key)
		if err != nil || d == nil || d.Target(targetUser) == nil {
			return err
		}
		to := d.Target(targetUser)
		if to.Tries++; to.Tries >= noticeTries {
			removeTarget(t, d, targetUser)
			return nil
		}
		to.Next = t.Now.Add(retryAfter[to.Tries-1])
		t.Put(d)
		return nil
	})
}
