package tx

import (
	"fmt"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/statistics"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Decode turns a stored record into an entity and opens its sealed texts. foreign is the stored
// text if it has fields that this version does not know. A sealed text that was moved from another
// record does not open, and Decode returns an error.
func (s *Engine) Decode(r store.Record) (e account.Entity, foreign []byte, err error) {
	e = newEntity(r.Key.Kind)
	if r.Version != 0 {
		if foreign, err = decode(r.Data, e); err != nil {
			return nil, nil, &account.UnreadableError{Record: r.Key, Reason: fmt.Errorf("decode %s record: %w", r.Key.Kind, err)}
		}
	}
	e.SetKey(r.Key, r.Version)
	if holder, ok := e.(account.Sealer); ok {
		if err := holder.VisitSealed(s.open); err != nil {
			return nil, nil, &account.UnreadableError{Record: r.Key, Reason: fmt.Errorf("open %s record: %w", r.Key.Kind, err)}
		}
	}
	return e, foreign, nil
}

// Encode seals an entity's texts and returns its stored form, with the unknown fields of foreign.
func (s *Engine) Encode(e account.Entity, foreign []byte) ([]byte, error) {
	if holder, ok := e.(account.Sealer); ok {
		if err := holder.VisitSealed(s.seal); err != nil {
			return nil, fmt.Errorf("seal %s record: %w", e.Key().Kind, err)
		}
	}
	data, err := encodeOver(e, foreign)
	if err != nil {
		return nil, fmt.Errorf("encode %s record: %w", e.Key().Kind, err)
	}
	return data, nil
}

// open decrypts a sealed text. A text that the record stores unsealed stays as it is.
func (s *Engine) open(owner string, open *string, at *account.SealedText) error {
	if at.IsZero() {
		return nil
	}
	text, err := s.Ring.Open(owner, at.Cipher)
	if err != nil {
		return err
	}
	*open, at.Holds = text.Reveal(), text.Reveal()
	return nil
}

// seal encrypts a text that is new or changed, or whose key is not the newest.
func (s *Engine) seal(owner string, open *string, at *account.SealedText) error {
	if *open == "" {
		*at = account.SealedText{}
		return nil
	}
	if at.Holds == *open && s.Ring.Current(at.Cipher) {
		return nil
	}
	sealed, err := s.Ring.Seal(owner, secret.New(*open))
	if err != nil {
		return err
	}
	*at = account.SealedText{Cipher: sealed, Holds: *open}
	return nil
}

// newEntity returns an empty record of a kind.
func newEntity(kind store.Kind) account.Entity {
	switch kind {
	case store.KindUser:
		return &account.User{}
	case store.KindClient:
		return &account.Client{}
	case store.KindClaim:
		return &account.Claim{}
	case store.KindTicket:
		return &account.Ticket{}
	case store.KindNumber:
		return &account.NumberRecord{}
	case store.KindNonce:
		return &account.Nonce{}
	case store.KindAudit:
		return &account.AuditPage{}
	case store.KindSMS:
		return &account.SMSRecord{}
	case store.KindSettings:
		return &account.Settings{}
	case store.KindEvent:
		return &account.EventRecord{}
	case store.KindDelivery:
		return &account.DeliveryRecord{}
	case store.KindAttempts:
		return &account.DeliveryLog{}
	case store.KindSigningKey:
		return &account.SigningKeys{}
	case store.KindStatistics:
		return &statistics.DayStatistics{}
	case store.KindFeed:
		return &statistics.FeedPosition{}
	case store.KindMigration:
		return &account.Migration{}
	}
	panic("tx: unknown kind " + string(kind))
}
