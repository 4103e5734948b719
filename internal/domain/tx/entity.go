package tx

import (
	"fmt"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Decode makes a record what the operations work on. foreign is as in [Decode]. What is sealed in it and does not open is an error: whoever moved it
// gets nothing.
func (s *Engine) Decode(r store.Record) (e account.Entity, foreign []byte, err error) {
	e = account.NewEntity(r.Key.Kind)
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

// Encode makes it what the store keeps.
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
