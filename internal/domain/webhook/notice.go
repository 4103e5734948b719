package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// A user learns by text message of what was done to the account, on a number that it was not done to (SEC-36). The notice is one more place that a commit's
// All are delivered to, so that no operation waits for it or fails with it, and it passes the SMS guard like a code. Unlike a webhook it is sent at most once.

// targetUser is the target that is the user.
const targetUser = "user"

// noticeRules leave most of a user's messages a day for codes.
var noticeRules = []ratelimit.Rule{{Limit: 3, Window: 24 * time.Hour}}

// noticeTries is how often a notice is tried that the SMS guard refuses: at once, after 5 seconds and after 5 minutes. The limit is often that of a code
// sent a moment ago.
const noticeTries = 3

// notices are what a message says, with the application's name: that something was changed, or that something looks wrong.
var notices = map[language.Tag][2]string{
	language.English:  {"The sign-in settings of your %s account were changed. If it was not you, contact support.", "Unusual sign-in activity on your %s account. If it was not you, contact support."},
	language.German:   {"Die Anmeldung Ihres Kontos bei %s wurde geaendert. Waren Sie es nicht, wenden Sie sich an den Support.", "Ungewoehnliche Anmeldung bei Ihrem Konto bei %s. Waren Sie es nicht, wenden Sie sich an den Support."},
	language.Spanish:  {"Se han cambiado los datos de acceso de su cuenta de %s. Si no fue usted, avise al soporte.", "Actividad inusual en el acceso a su cuenta de %s. Si no fue usted, avise al soporte."},
	language.Japanese: {"%sのログイン設定が変更されました。心当たりがない場合はサポートにご連絡ください。", "%sで通常と異なるログイン操作がありました。心当たりがない場合はサポートにご連絡ください。"},
}

// warnings are the events that look wrong instead of telling of a change.
var warnings = []account.EventName{account.EventUserLocked, account.EventFactorDisabled, account.EventReplay, account.EventBackupUsed}

// noticeBody is the message, in one segment. It holds no code, no link and nothing that a user wrote.
func noticeBody(app string, name account.EventName, in language.Tag) secret.Value {
	words, ok := notices[in]
	if !ok {
		in, words = language.English, notices[language.English]
	}
	form := words[0]
	if slices.Contains(warnings, name) {
		form = words[1]
	}
	room := sms.GSMSegment
	if in == language.Japanese {
		room = sms.UCS2Segment
	}
	return secret.New(fmt.Sprintf(form, sms.PlainName(app, room-utf8.RuneCountInString(form)+len("%s"))))
}

// firstNotice is the first of a record's acts that its user is to hear of, and the number to say it to, or nil: the one that was verified first, because whoever
// took an account over adds numbers, and never one that the acts were done to.
func firstNotice(j *account.EventRecord, u *account.User) (*account.Phone, account.EventName) {
	var name account.EventName
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

// noticesOff says whether no notices are sent: they or all text messages are switched off.
func noticesOff(s *account.Settings) bool { return s.QuietChanges || !s.SMSCode }

// stageNotice stages the notice of a commit when its user has a number that the acts were not done to.
func stageNotice(t *tx.Tx, j *account.EventRecord, d *account.DeliveryRecord) {
	if noticesOff(&t.State.Settings) {
		return
	}
	for _, a := range j.Events {
		u, ok := t.Seen[store.Key{Kind: store.KindUser, ID: a.User}].(*account.User)
		if !ok || u.Version == 0 || u.Erasing != nil || t.Dirty[u.Key()] { // made by an import, or gone
			continue
		}
		if to, _ := firstNotice(j, u); to != nil {
			d.To = append(d.To, account.DeliveryTarget{ID: targetUser, Next: t.Now})
			d.Language = t.Language
			return
		}
	}
}

// notifyUser sends the notice of a record. What the SMS guard refuses comes again a few times, and then is let be: the event is in the event log.
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
	if wrong := (*apierr.Error)(nil); errors.As(err, &wrong) { // the SMS guard's, or the network's
		return false, s.retryNotice(ctx, keys[0])
	}
	return sent, err
}

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
		m := tx.Message{To: number, Body: noticeBody(sms.AppName(&t.State.Settings, t.Engine.AppName), name, in), Test: sms.IsTest(t, number)}
		text, err := sms.Authorize(t, u, to, m, account.Notice, tx.Caller{}, account.KnownDevice)
		if err != nil {
			return false, err
		}
		t.After = append(t.After, func() error { return sms.Send(t, text, m) })
		return true, nil
	}
	return false, nil
}

// removeTarget takes a target out of a delivery, and the delivery with the last.
func removeTarget(t *tx.Tx, d *account.DeliveryRecord, id string) {
	if d.To = slices.DeleteFunc(d.To, func(to account.DeliveryTarget) bool { return to.ID == id }); len(d.To) == 0 {
		t.Delete(d)
		return
	}
	t.Put(d)
}

// retryNotice puts a notice off. One whose commit went through is gone already.
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
