package mfa

import (
	"encoding/json"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// sealedText is the stored form of a text that the operations see open: the ciphertext, bound to the place that holds it.
type sealedText struct {
	cipher []byte
	holds  string // what was found in cipher, or put into it
}

// IsZero says that nothing is sealed yet.
func (t sealedText) IsZero() bool { return len(t.cipher) == 0 }

// MarshalJSON writes the ciphertext.
func (t sealedText) MarshalJSON() ([]byte, error) { return json.Marshal(t.cipher) }

// UnmarshalJSON reads the ciphertext.
func (t *sealedText) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &t.cipher) }

// A sealing does something with one sealed text: owner is its place, open the text as the operations see it.
type sealing func(owner string, open *string, at *sealedText) error

// sealer is a record that holds sealed texts; sealed visits them all.
type sealer interface{ sealed(do sealing) error }

// open fills in the text. A text that is not sealed yet stays as the record had it.
func (s *Service) open(owner string, open *string, at *sealedText) error {
	if at.IsZero() {
		return nil
	}
	text, err := s.ring.Open(owner, at.cipher)
	if err != nil {
		return err
	}
	*open, at.holds = text.Reveal(), text.Reveal()
	return nil
}

// seal makes the ciphertext of a text that is new or has changed, or whose key is not the newest: the record is written anyway.
func (s *Service) seal(owner string, open *string, at *sealedText) error {
	if *open == "" {
		*at = sealedText{}
		return nil
	}
	if at.holds == *open && s.ring.Current(at.cipher) {
		return nil
	}
	sealed, err := s.ring.Seal(owner, secret.New(*open))
	if err != nil {
		return err
	}
	*at = sealedText{cipher: sealed, holds: *open}
	return nil
}
