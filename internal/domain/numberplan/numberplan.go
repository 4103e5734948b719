// Package numberplan reads phone numbers with the world's numbering plans, in Google's metadata:
// which numbers are valid, and their countries and lines. The file additions.txt has ranges that
// were assigned since.
//
// Importing this package loads the plans when the process starts: 4 ms, 2.5 MB of memory and 6 MB
// of binary, measured. A program that takes no new numbers should not import it.
package numberplan

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/countersign-mfa/countersign/internal/domain/phone"
)

// region001 is the metadata's name for the region of numbers without a country.
const region001 = "001"

var (
	// nationalForm is a compact number without a country code, with the digits dialled before it.
	nationalForm = regexp.MustCompile(`^[0-9]{4,20}$`)
	// trunkZero is the 0 that people write after a country code for callers of the same country.
	trunkZero = regexp.MustCompile(`\(\s*0\s*\)`)
	// areaSlash is a slash after an area code, as in Germany and Belgium. Fewer digits after a slash
	// are a second extension.
	areaSlash = regexp.MustCompile(`([0-9])/([0-9]{5})`)
)

// Parse reads a number in international form with the plan of this build: see [Plan.Parse].
func Parse(text string) (phone.Number, error) { return builtIn.Parse(text, "") }

// ParseIn reads a number as people of a region write it, with the plan of this build: see
// [Plan.Parse].
func ParseIn(text, region string) (phone.Number, error) { return builtIn.Parse(text, region) }

// Parse reads a number as people of a region write it, in the spellings of [phone.Normalize]. The
// region is two letters of ISO 3166-1. With the region "", the number has a + and a country code.
// Fictional numbers are valid in every area. A number of an old form gets the form that its
// regulator gave it.
//
// The error is [phone.ErrInvalid] for any other text, and for a number outside the plans. A number
// with a + is otherwise taken as typed or not at all, so that an SMS goes to no other number.
func (p *Plan) Parse(text, region string) (phone.Number, error) {
	n, err := p.parse(text, region)
	if err != nil && len(text) <= phone.LongestText && trunkZero.MatchString(text) {
		return p.parse(trunkZero.ReplaceAllString(text, ""), region)
	}
	return n, err
}

func (p *Plan) parse(text, region string) (phone.Number, error) {
	compact, err := phone.Compact(text)
	if err != nil {
		return phone.Number{}, err
	}
	compact = areaSlash.ReplaceAllString(compact, "$1$2")
	if !strings.HasPrefix(compact, "+") {
		return p.national(compact, region)
	}
	if compact, err = phone.Normalize(compact); err != nil {
		return phone.Number{}, err
	}
	for _, s := range append([]string{compact}, changed(compact)...) {
		if n, err := p.lookUp(s); err == nil {
			return n, nil
		}
	}
	return phone.Number{}, phone.ErrInvalid
}

// national reads a compact number as it is dialled in a region: with its trunk prefix, with the
// prefix of calls abroad, or with the region's own country code.
func (p *Plan) national(compact, region string) (phone.Number, error) {
	if !isRegion(region) || !nationalForm.MatchString(compact) {
		return phone.Number{}, phone.ErrInvalid
	}
	var forms []string
	if parsed, err := phonenumbers.Parse(compact, region); err == nil {
		forms = append(forms, phonenumbers.Format(parsed, phonenumbers.E164))
	}
	code := fmt.Sprint(codeOf(region))
	if strings.HasPrefix(compact, code) {
		forms = append(forms, "+"+compact)
	}
	// The metadata does not know the trunk prefix before an added range.
	forms = append(forms, "+"+code+strings.TrimPrefix(compact, "0"))
	for _, s := range forms {
		if n, err := p.parse(s, ""); err == nil {
			return n, nil
		}
	}
	return phone.Number{}, phone.ErrInvalid
}

// lookUp returns the number of an E.164 form that is in the plan.
func (p *Plan) lookUp(s string) (phone.Number, error) {
	if n, ok := p.added(s); ok {
		return n, nil
	}
	parsed, err := phonenumbers.Parse(s, "")
	if err != nil || phonenumbers.Format(parsed, phonenumbers.E164) != s {
		return phone.Number{}, phone.ErrInvalid
	}
	if phonenumbers.IsValidNumber(parsed) {
		return phone.New(s, countryOf(parsed), lineOf(parsed))
	}
	if fictional, err := phone.New(s, "US", phone.FixedOrMobile); err == nil && fictional.IsTest() {
		return fictional, nil
	}
	return phone.Number{}, phone.ErrInvalid
}

func isRegion(region string) bool { return codeOf(region) != 0 }

// codeOf returns the country code of a region, or 0.
func codeOf(region string) int { return phonenumbers.GetCountryCodeForRegion(region) }

func countryOf(parsed *phonenumbers.PhoneNumber) string {
	country := phonenumbers.GetRegionCodeForNumber(parsed)
	if country == region001 {
		return ""
	}
	return country
}

func lineOf(parsed *phonenumbers.PhoneNumber) phone.Line {
	kind := phonenumbers.GetNumberType(parsed)
	texts := kind == phonenumbers.MOBILE || kind == phonenumbers.FIXED_LINE_OR_MOBILE
	if texts && countryOf(parsed) == "" {
		return phone.Other
	}
	switch kind {
	case phonenumbers.MOBILE:
		return phone.Mobile
	case phonenumbers.FIXED_LINE_OR_MOBILE:
		return phone.FixedOrMobile
	case phonenumbers.FIXED_LINE:
		return phone.Fixed
	case phonenumbers.TOLL_FREE:
		return phone.TollFree
	case phonenumbers.PREMIUM_RATE:
		return phone.Premium
	case phonenumbers.SHARED_COST:
		return phone.SharedCost
	case phonenumbers.VOIP:
		return phone.VoIP
	case phonenumbers.PAGER:
		return phone.Pager
	default:
		return phone.Other
	}
}
