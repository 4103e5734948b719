package account

import (
	"encoding/json"
)

// SealedText is the stored form of a text that the operations see open: the ciphertext, bound to the place that holds it.
type SealedText struct {
	Cipher []byte
	Holds  string // what was found in cipher, or put into it
}

// IsZero says that nothing is sealed yet.
func (t SealedText) IsZero() bool { return len(t.Cipher) == 0 }

// MarshalJSON writes the ciphertext.
func (t SealedText) MarshalJSON() ([]byte, error) { return json.Marshal(t.Cipher) }

// UnmarshalJSON reads the ciphertext.
func (t *SealedText) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &t.Cipher) }

// A sealing does something with one sealed text: owner is its place, open the text as the operations see it.
type sealing func(owner string, open *string, at *SealedText) error

// Sealer is a record that holds sealed texts; sealed visits them all.
type Sealer interface{ VisitSealed(do sealing) error }
