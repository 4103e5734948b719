package webhook

import (
	"cmp"
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

// userTargets are the ids of the user's numbers as targets, in the order of [noticePhones]. A
// notice tells the user by SMS what was done to the account, on a number that was not changed
// itself. It is one more target of a commit's events, so no operation waits for it or fails with
// it. It passes the SMS guard and is sent at most once. Only a recovery is told to more than the
// first number.
var userTargets = []string{"user", "user2", "user3"}

func isUser(target string) bool { return slices.Contains(userTargets, target) }

// noticeRules limit a user's notices, so that most messages of a day are left for codes.
// recoveryRules are those of a recovery, which goes to several numbers and has a count of its own:
// an attacker who asks for one silences no other notice.
var (
	noticeRules   = []ratelimit.Rule{{Limit: 3, Window: 24 * time.Hour}}
	recoveryRules = []ratelimit.Rule{{Limit: 3 * len(userTargets), Window: 24 * time.Hour}}
)

// noticeTries is how often a notice is tried that the SMS guard refuses: at once, after 5 seconds
// and after 5 minutes. Often a code that was sent just before uses up the limit.
const noticeTries = 3

// notices are the three messages, with the application's name: of a change, of unusual activity,
// and of a recovery that waits.
var notices = map[language.Tag][3]string{
	language.English:    {"The sign-in settings of your %s account were changed. If it was not you, contact support.", "Unusual sign-in activity on your %s account. If it was not you, contact support.", "A request will remove the second step from your %s account in a few days. If it was not you, sign in now and cancel it."},
	language.German:     {"Die Anmeldung Ihres Kontos bei %s wurde geändert. Waren Sie es nicht, wenden Sie sich an den Support.", "Ungewöhnliche Anmeldung bei Ihrem Konto bei %s. Waren Sie es nicht, wenden Sie sich an den Support.", "Ihr Konto bei %s soll in einigen Tagen ohne zweiten Schritt sein. Waren Sie es nicht, melden Sie sich an und brechen Sie ab."},
	language.Spanish:    {"Se han cambiado los datos de acceso de tu cuenta de %s. Si no los has cambiado, avisa a soporte.", "Actividad inusual en el acceso a tu cuenta de %s. Si no la reconoces, avisa a soporte.", "Se ha pedido eliminar el segundo paso de tu cuenta de %s. Si no lo has pedido, entra ya y cancela la solicitud."},
	language.Japanese:   {"%sのサインイン設定が変更されました。心当たりがない場合はサポートにご連絡ください。", "%sで通常と異なるサインイン操作がありました。心当たりがない場合はサポートにご連絡ください。", "数日後に%sの2段階認証が解除されます。心当たりがない場合はサインインして中止してください。"},
	language.French:     {"Les paramètres de connexion de votre compte %s ont été modifiés. Si ce n'était pas vous, contactez l'assistance.", "Connexion inhabituelle à votre compte %s. Si ce n'était pas vous, contactez l'assistance.", "La deuxième étape de votre compte %s sera retirée dans quelques jours. Si ce n'est pas vous, connectez-vous pour annuler."},
	language.Portuguese: {"As formas de entrar na sua conta %s mudaram. Se foi sem o seu conhecimento, contate o suporte.", "Atividade incomum no acesso da sua conta %s. Se foi sem o seu conhecimento, contate o suporte.", "A segunda etapa da sua conta %s vai sair em alguns dias. Se foi outra pessoa quem pediu, entre na conta e cancele."},
}

// warnings are the events of unusual activity, and waits those of a recovery that waits. All others
// are changes. recoveries are told to several numbers, and always.
var (
	warnings   = []eventtype.Name{eventtype.UserLocked, eventtype.FactorDisabled, eventtype.Replay, eventtype.BackupUsed, eventtype.PasskeyCopied}
	waits      = []eventtype.Name{eventtype.RecoveryRequested, eventtype.RecoveryReminder}
	recoveries = append([]eventtype.Name{eventtype.RecoveryCompleted}, waits...)
)

// noticeBody returns the message, in one segment, with the first of the names that it can hold. It
// has no code, no link and no text of a user's.
func noticeBody(names []string, name eventtype.Name, in language.Tag) secret.Value {
	words, ok := notices[in]
	if !ok {
		words = notices[language.English]
	}
	form := words[0]
	switch {
	case slices.Contains(warnings, name):
		form = words[1]
	case slices.Contains(waits, name):
		form = words[2]
	}
	return secret.New(sms.WithName(names, func(app string) string { return fmt.Sprintf(form, app) }))
}

// noticePhones returns the first event of a record that its user is told about, and the phones to
// text. The phone that was verified first comes first, because an attacker who took an account over
// adds numbers. A phone that the events changed is never told. A recovery is told to as many phones
// as there are [userTargets], any other event to one.
func noticePhones(j *account.EventRecord, u *account.User) ([]*account.Phone, eventtype.Name) {
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
	var to []*account.Phone
	for i := range u.Phones {
		if p := &u.Phones[i]; p.Verified != 0 && !slices.Contains(changed, p.ID) {
			to = append(to, p)
		}
	}
	slices.SortStableFunc(to, func(a, b *account.Phone) int { return cmp.Compare(a.Verified, b.Verified) })
	most := 1
	if slices.Contains(recoveries, name) {
		most = len(userTargets)
	}
	return to[:min(most, len(to))], name
}

// noticeOff reports whether the notice of an event, or all SMS, are switched off. The notices of a
// recovery are not: without them an attacker needs only patience.
func noticeOff(s *account.Settings, name eventtype.Name) bool {
	return !s.SMSCode || s.QuietChanges && !slices.Contains(recoveries, name)
}

// stageNotice stages the notice of a commit if its user has a phone to text.
func stageNotice(t *tx.Tx, j *account.EventRecord, d *account.DeliveryRecord) {
	for _, a := range j.Events {
		u, ok := t.Seen[store.Key{Kind: store.KindUser, ID: a.User}].(*account.User)
		if !ok || u.Version == 0 || u.Erasing != nil || t.Dirty[u.Key()] { // imported or deleted
			continue
		}
		if phones, name := noticePhones(j, u); len(phones) > 0 && !noticeOff(&t.State.Settings, name) {
			for i := range phones {
				d.To = append(d.To, account.DeliveryTarget{ID: userTargets[i], Next: t.Now})
			}
			d.Language = t.Language
			return
		}
	}
}

// notifyUser sends the notices of a record that are due, one after another, and returns how many
// it sent. A notice that the SMS guard refuses is tried [noticeTries] times. After that the event
// is in the event log only.
func (s *Service) notifyUser(ctx context.Context, id string) (sent int, err error) {
	for range userTargets {
		one, more, err := s.notifyOne(ctx, id)
		if sent += one; err != nil || !more {
			return sent, err
		}
	}
	return sent, nil
}

// notifyOne sends the first notice of a record that is due. more says that another one is.
func (s *Service) notifyOne(ctx context.Context, id string) (sent int, more bool, err error) {
	keys := []store.Key{{Kind: store.KindDelivery, ID: id}, {Kind: store.KindEvent, ID: id}}
	target := ""
	err = s.Update(ctx, keys, func(t *tx.Tx) error {
		sent, target = 0, ""
		t.BySystem = true
		d, err := tx.Load[*account.DeliveryRecord](t, keys[0])
		if err != nil || d == nil {
			return err
		}
		due := dueNotices(t, d)
		if len(due) == 0 {
			return nil
		}
		target, more = due[0], len(due) > 1
		j, err := tx.Load[*account.EventRecord](t, keys[1])
		if err != nil {
			return err
		}
		removeTarget(t, d, target)
		if j == nil {
			return nil
		}
		sent, err = sendNotice(t, j, d.Language, slices.Index(userTargets, target))
		return err
	})
	if wrong := (*apierr.Error)(nil); errors.As(err, &wrong) { // of the SMS guard or the network
		return 0, more, s.retryNotice(ctx, keys[0], target)
	}
	return sent, more, err
}

// dueNotices returns the targets of a delivery that are numbers of the user and due.
func dueNotices(t *tx.Tx, d *account.DeliveryRecord) []string {
	var due []string
	for _, to := range d.To {
		if isUser(to.ID) && to.Next <= t.Now {
			due = append(due, to.ID)
		}
	}
	return due
}

// sendNotice authorizes the notice of a record to the user's n-th phone and sends it after the
// commit. It returns how many notices it sends: 0 or 1.
func sendNotice(t *tx.Tx, j *account.EventRecord, in language.Tag, n int) (int, error) {
	for _, a := range j.Events {
		u, err := t.User(a.User)
		if err != nil {
			return 0, err
		}
		if u == nil || u.Banned {
			continue
		}
		phones, name := noticePhones(j, u)
		log, rules := noticeLog(u, name)
		if n >= len(phones) || noticeOff(&t.State.Settings, name) || log.Wait(t.Now.Time(), rules...) > 0 {
			continue
		}
		to := phones[n]
		number, err := phone.New(to.Number, to.Country, to.Line)
		if err != nil {
			return 0, fmt.Errorf("stored number: %w", err)
		}
		*log = log.Add(t.Now.Time(), rules...)
		names := append(sms.Names(&t.State.Settings, t.Engine.AppName), t.Engine.SMSHost)
		m := tx.Message{To: number, Body: noticeBody(names, name, in), Test: sms.IsTest(t, number)}
		text, err := sms.Authorize(t, u, to, m, account.Notice, tx.Caller{}, account.KnownDevice)
		if err != nil {
			return 0, err
		}
		t.After = append(t.After, func() error { return sms.Send(t, text, m) })
		return 1, nil
	}
	return 0, nil
}

// noticeLog returns the log that the notice of an event counts in, and its limits.
func noticeLog(u *account.User, name eventtype.Name) (*ratelimit.Log, []ratelimit.Rule) {
	if slices.Contains(recoveries, name) {
		return &u.RecoveryNotices, recoveryRules
	}
	return &u.Notices, noticeRules
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
func (s *Service) retryNotice(ctx context.Context, key store.Key, target string) error {
	return s.Update(ctx, []store.Key{key}, func(t *tx.Tx) error {
		t.BySystem = true
		d, err := tx.Load[*account.DeliveryRecord](t, key)
		if err != nil || d == nil || d.Target(target) == nil {
			return err
		}
		to := d.Target(target)
		if to.Tries++; to.Tries >= noticeTries {
			removeTarget(t, d, target)
			return nil
		}
		to.Next = t.Now.Add(retryAfter[to.Tries-1])
		t.Put(d)
		return nil
	})
}
