package tx

import (
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// open fills in the text. A text that is not sealed yet stays as the record had it.
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

// seal makes the ciphertext of a text that is new or has changed, or whose key is not the newest: the record is written anyway.
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
