package numberplan

import "regexp"

// change is a rule by which a regulator gave all numbers of an old form a new form.
type change struct {
	from *regexp.Regexp
	to   string
}

// changes are applied to a number that is in no plan. The result must be in one.
var changes = []change{
	// Mexico, its regulator IFT: since 3 August 2019 a mobile number has no 1
	// after the country code.
	{regexp.MustCompile(`^\+521([0-9]{10})$`), "+52$1"},
	// Benin, ARCEP: since 30 November 2024 all numbers begin with 01.
	{regexp.MustCompile(`^\+229([0-9]{8})$`), "+22901$1"},
	// Brazil, ANATEL, resolution 553/2010: since November 2016 all mobile numbers begin with a
	// 9. Numbers that begin with 7 also belonged to trunked radio and kept eight digits.
	{regexp.MustCompile(`^\+55([1-9][1-9])([689][0-9]{7})$`), "+55${1}9$2"},
}

// changed returns the forms that an old number has now.
func changed(e164 string) []string {
	var now []string
	for _, c := range changes {
		if c.from.MatchString(e164) {
			now = append(now, c.from.ReplaceAllString(e164, c.to))
		}
	}
	return now
}
