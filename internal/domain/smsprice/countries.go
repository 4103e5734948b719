package smsprice

import (
	"slices"
	"strings"
)

// countries are the regions of the numbering plan, in order: ISO 3166-1 alpha-2, and AC, TA and XK,
// which have numbers too. A test of package numberplan compares them.
var countries = strings.Fields(`
AC AD AE AF AG AI AL AM AO AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BW BY BZ
CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM
FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GT GU GW GY HK HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE
JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN
MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PR PS PT
PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TA TC TD TG TH TJ TK
TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW`)

// Countries returns the codes of all countries with phone numbers, sorted.
func Countries() []string { return slices.Clone(countries) }

// IsCountry reports whether a code is that of a country with phone numbers, in capital letters.
func IsCountry(code string) bool {
	_, found := slices.BinarySearch(countries, code)
	return found
}

// NoCountry says in a sentence what is wrong with a code that is no country's.
func NoCountry(code string) string {
	switch {
	case code == "UK":
		return "UK is not an ISO 3166 country. The United Kingdom is GB."
	case len(code) == 2 && IsCountry(strings.ToUpper(code)):
		return "A country is two capital letters, such as " + strings.ToUpper(code) + "."
	case len(code) == 2:
		return "A country is a code of ISO 3166 that has phone numbers, such as US or GB."
	}
	return "A country is two capital letters, such as US."
}
