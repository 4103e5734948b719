package operation

import "github.com/countersign-mfa/countersign/internal/domain/smsprice"

// Region is a country in whose way a number is written that has no country code: two letters of
// ISO 3166-1.
type Region string

// Values implements [Enumerated]: all countries that have phone numbers.
func (Region) Values() []string { return smsprice.Countries() }

// Explain implements [Explainer].
func (Region) Explain(text string) string { return smsprice.NoCountry(text) }
