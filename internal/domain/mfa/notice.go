package mfa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
)

// A user learns by text message of what was done to the account, on a number that it was not done to (SEC-36). The notice is one more place that a commit's
// events are delivered to, so that no operation waits for it or fails with it, and it passes the SMS guard like a code. Unlike a webhook it is sent at most once.

// targetUser is the target that is the user.
const targetUser = "user"

// Notice is the purpose of such a message.
const Notice Purpose = "notice"

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
var warnings = []EventName{EventUserLocked, EventFactorDisabled, EventReplay, EventBackupUsed}

// noticeSMS is the message, in one segment. It holds no code, no link and nothing that a user wrote.
func noticeSMS(app string, name EventName, in language.Tag) secret.Value {
	words, ok := notices[in]
	if !ok {
		in, words = language.English, notices[language.English]
	}
	form := words[0]
	if slices.Contains(warnings, name) {
		form = words[1]
	}
	room := gsmSegment
	if in == language.Japanese {
		room = ucs2Segment
	}
	return secret.New(fmt.Sprintf(form, plainName(app, room-utf8.RuneCountInString(form)+len("%s"))))
}

// firstNotice is the first of a record's acts that its user is to hear of, and the number to say it to, or nil: the one that was verified first, because whoever
// took an account over adds numbers, and never one that the acts were done to.
func (j *eventRecord) firstNotice(u *User) (*Phone, EventName) {
	var name EventName
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
	var to *Phone
	for i := range u.Phones {
		p := &u.Phones[i]
		if p.Verified != 0 && !slices.Contains(changed, p.ID) && (to == nil || p.Verified < to.Verified) {
			to = p
		}
	}
	return to, name
}

// noticesOff says whether no notices are sent: they or all text messages are switched off.
func (s *Settings) noticesOff() bool { return s.QuietChanges || !s.SMSCode }

// stageNotice stages the notice of a commit when its user has a number that the acts were not done to.
func (t *txn) stageNotice(j *eventRecord, d *deliveryRecord) {
	if t.state.settings.noticesOff() {
		return
	}
	for _, a := range j.Events {
		u, ok := t.seen[Key{KindUser, a.User}].(*User)
		if !ok || u.version == 0 || u.Erasing != nil || t.dirty[u.key()] { // made by an import, or gone
			continue
		}
		if to, _ := j.firstNotice(u); to != nil {
			d.To = append(d.To, deliveryTarget{ID: targetUser, Next: t.now})
			d.Language = t.language
			return
		}
	}
}

// notifyUser sends the notice of a record. What the SMS guard refuses comes again a few times, and then is let be: the event is in the event log.
func (s *Service) notifyUser(ctx context.Context, id string) (sent bool, err error) {
	keys := []Key{{KindDelivery, id}, {KindEvent, id}}
	err = s.update(ctx, keys, func(t *txn) error {
		sent = false
		t.bySystem = true
		d, err := load[*deliveryRecord](t, keys[0])
		if err != nil || d == nil || d.target(targetUser) == nil || d.target(targetUser).Next > t.now {
			return err
		}
		j, err := load[*eventRecord](t, keys[1])
		if err != nil {
			return err
		}
		t.removeTarget(d, targetUser)
		if j == nil || t.state.settings.noticesOff() {
			return nil
		}
		sent, err = t.sendNotice(j, d.Language)
		return err
	})
	if wrong := (*apierr.Error)(nil); errors.As(err, &wrong) { // the SMS guard's, or the network's
		return false, s.retryNotice(ctx, keys[0])
	}
	return sent, err
}

func (t *txn) sendNotice(j *eventRecord, in language.Tag) (bool, error) {
	for _, a := range j.Events {
		u, err := t.user(a.User)
		if err != nil {
			return false, err
		}
		if u == nil || u.Banned || u.Notices.Wait(t.now.Time(), noticeRules...) > 0 {
			continue
		}
		to, name := j.firstNotice(u)
		if to == nil {
			continue
		}
		number, err := phone.New(to.Number, to.Country, to.Line)
		if err != nil {
			return false, fmt.Errorf("stored number: %w", err)
		}
		u.Notices = u.Notices.Add(t.now.Time(), noticeRules...)
		m := Message{To: number, Body: noticeSMS(t.state.settings.smsName(t.s.appName), name, in), Test: t.isTest(number)}
		text, err := t.authorizeSMS(u, to, m, Notice, Caller{}, true)
		if err != nil {
			return false, err
		}
		t.after = append(t.after, func() error { return t.s.send(t, text, m) })
		return true, nil
	}
	return false, nil
}

// removeTarget takes a target out of a delivery, and the delivery with the last.
func (t *txn) removeTarget(d *deliveryRecord, id string) {
	if d.To = slices.DeleteFunc(d.To, func(to deliveryTarget) bool { return to.ID == id }); len(d.To) == 0 {
		t.delete(d)
		return
	}
	t.put(d)
}

// retryNotice puts a notice off. One whose commit went through is gone already.
func (s *Service) retryNotice(ctx context.Context, key Key) error {
	return s.update(ctx, []Key{key}, func(t *txn) error {
		t.bySystem = true
		d, err := load[*deliveryRecord](t, key)
		if err != nil || d == nil || d.target(targetUser) == nil {
			return err
		}
		to := d.target(targetUser)
		if to.Tries++; to.Tries >= noticeTries {
			t.removeTarget(d, targetUser)
			return nil
		}
		to.Next = t.now.Add(retryAfter[to.Tries-1])
		t.put(d)
		return nil
	})
}
