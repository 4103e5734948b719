package numberplan_test

import (
	"os"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"

	"github.com/countersign-mfa/countersign/internal/domain/numberplan"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
)

// TestNumbersAsPeopleOfARegionWriteThem: the values are those of libphonenumber's metadata
// (nationalPrefixForParsing, internationalPrefix). In some countries a leading 0 is part of the
// number, in others it is dialled before it, and others dial 8 or 06.
func TestNumbersAsPeopleOfARegionWriteThem(t *testing.T) {
	for _, tc := range []struct{ region, text, want string }{
		{"CI", "07 08 09 10 11", "+2250708091011"},
		{"CG", "06 123 4567", "+242061234567"},
		{"IT", "347 123 4567", "+393471234567"},
		{"IT", "02 1234 5678", "+390212345678"},
		{"IT", "+39 (0) 2 1234 5678", "+390212345678"},
		{"SM", "66 66 12 12", "+37866661212"},
		{"GA", "06 03 12 34", "+24106031234"},
		{"RU", "8 (912) 345-67-89", "+79123456789"},
		{"KZ", "8 701 234 56 78", "+77012345678"},
		{"BY", "8 029 491-19-11", "+375294911911"},
		{"HU", "06 20 123 4567", "+36201234567"},
		{"LT", "0 612 34567", "+37061234567"},
		{"FR", "06 12 34 56 78", "+33612345678"},
		{"FR", "0612345678", "+33612345678"},
		{"DE", "0151/23456789", "+4915123456789"},
		{"DE", "0049 1512 3456789", "+4915123456789"},
		{"DE", "+33 6 12 34 56 78", "+33612345678"},
		{"GB", "+44 (0) 7400 123456", "+447400123456"},
		{"GB", "07400 123456", "+447400123456"},
		{"GB", "44 7400 123456", "+447400123456"},
		{"US", "(201) 555-0123", "+12015550123"},
		{"US", "1 201 555 0123", "+12015550123"},
		{"US", "555-555-0199", "+15555550199"},
		{"US", "011 44 7400 123456", "+447400123456"},
		{"AR", "011 15-2345-6789", "+5491123456789"},
		{"MX", "55 1234 5678", "+525512345678"},
		{"MX", "1 55 1234 5678", "+525512345678"},
		{"BR", "(11) 96123-4567", "+5511961234567"},
		{"CN", "131 2345 6789", "+8613123456789"},
		{"JP", "０９０ー１２３４ー５６７８", "+819012345678"},
		{"JP", "060-1234-5678", "+816012345678"},
		{"EG", "٠١٠ ٠١٢٣ ٤٥٦٧", "+201001234567"},
		{"IN", "०८१२३४ ५६७८९", "+918123456789"},
	} {
		if n, err := numberplan.ParseIn(tc.text, tc.region); err != nil || n.E164() != tc.want {
			t.Errorf("%s, %q: %q (%v), want %s", tc.region, tc.text, n.E164(), err, tc.want)
		}
	}
	for _, tc := range []struct{ region, text string }{
		{"", "(201) 555-0123"},
		{"XX", "(201) 555-0123"},
		{"us", "(201) 555-0123"},
		{"001", "800 1234 5678"},
		{"US", "1-800-FLOWERS"},
		{"US", "201 555 0123 ext. 5"},
		{"US", "911"},
		{"FR", "06 12 34 56 7"},
		{"US", "06 12 34 56 78"},
		{"GB", strings.Repeat("1", 1<<20)},
	} {
		if n, err := numberplan.ParseIn(tc.text, tc.region); err == nil {
			t.Errorf("%s, %.40q is %s", tc.region, tc.text, n.E164())
		}
	}
}

// TestEveryRegionsExample: the example of a mobile number in each region's metadata is read as that
// region writes it, as it is dialled there, and from abroad.
func TestEveryRegionsExample(t *testing.T) {
	read, spelled := 0, 0
	for region := range phonenumbers.GetSupportedRegions() {
		example := phonenumbers.GetExampleNumberForType(region, phonenumbers.MOBILE)
		if example == nil {
			continue
		}
		read++
		want := phonenumbers.Format(example, phonenumbers.E164)
		for _, text := range []string{
			phonenumbers.Format(example, phonenumbers.NATIONAL), phonenumbers.Format(example, phonenumbers.INTERNATIONAL), want,
		} {
			if same, err := phonenumbers.Parse(text, region); err != nil || phonenumbers.Format(same, phonenumbers.E164) != want {
				continue // the library writes what it does not read: 09 15-2345-6789 in Argentina
			}
			spelled++
			if n, err := numberplan.ParseIn(text, region); err != nil || n.E164() != want {
				t.Errorf("%s: %q is %q (%v), want %s", region, text, n.E164(), err, want)
			}
		}
	}
	if read < 230 || spelled < 3*read-3 {
		t.Errorf("%d regions, %d spellings", read, spelled)
	}
}

// TestPlansThatChanged: a number of before the change is the number of today.
func TestPlansThatChanged(t *testing.T) {
	for old, now := range map[string]string{
		"+5215512345678":     "+525512345678", // IFT, 3 August 2019
		"+52 1 55 1234 5678": "+525512345678",
		"+229 90 01 12 34":   "+2290190011234", // ARCEP Bénin, 30 November 2024
		"+55 11 6123 4567":   "+5511961234567", // ANATEL, resolution 553/2010
	} {
		if n, err := numberplan.Parse(old); err != nil || n.E164() != now || !n.TextAllowed() {
			t.Errorf("%s is %q (%v), want %s", old, n.E164(), err, now)
		}
	}
}

// TestAdditions: the ranges of a file are valid, and win over the metadata.
func TestAdditions(t *testing.T) {
	if n, err := numberplan.Parse("+816012345678"); err != nil || n.Country() != "JP" || n.Line() != phone.Mobile || !n.TextAllowed() {
		t.Errorf("+81 60: %v %v %v", n.Country(), n.Line(), err)
	}
	plan, err := numberplan.New("\ufeff# a comment\r\n\r\n+4915123456xxx DE voip # ported\n+4999xxxxxxxx DE mobile\n+1201555xxxx US fixed")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]phone.Line{"+4915123456789": phone.VoIP, "+49 99 12345678": phone.Mobile, "+12015550123": phone.Fixed, "+4915123457789": phone.Mobile} {
		if n, err := numberplan.BuiltIn().With(plan).Parse(text, ""); err != nil || n.Line() != want {
			t.Errorf("%s is %v (%v), want %v", text, n.Line(), err, want)
		}
	}
	if n, err := plan.Parse("099 12345678", "DE"); err != nil || n.E164() != "+499912345678" {
		t.Errorf("in Germany: %q %v", n.E164(), err)
	}
	if lines := strings.Join(plan.Ranges(), ","); lines != "+4915123456xxx DE voip,+4999xxxxxxxx DE mobile,+1201555xxxx US fixed" {
		t.Errorf("the ranges are %s", lines)
	}
	age := "numbering plans of " + numberplan.MetadataDate + " (libphonenumber " + numberplan.Metadata + "), "
	if got, more := numberplan.BuiltIn().String(), numberplan.BuiltIn().With(plan).String(); got != age+"1 added range" || more != age+"4 added ranges" {
		t.Errorf("the age is %q, with more ranges %q", got, more)
	}
	for text, want := range map[string]string{
		"+8160xxxxxxxx":                 `line 1, "+8160xxxxxxxx": write a range`,
		"\n8160xxxxxxxx JP mobile":      `line 2, "8160xxxxxxxx JP mobile": a range is +`,
		"+81x0xxxxxxx JP mobile":        `line 1, "+81x0xxxxxxx JP mobile": a range is +`,
		"+8160xxxxxxxxxxxx JP mobile":   `line 1, "+8160xxxxxxxxxxxx JP mobile": a range is +`,
		"+81xx JP mobile":               `line 1, "+81xx JP mobile": a range has at least 7`,
		"+8160xxxxxxxx US mobile":       `line 1, "+8160xxxxxxxx US mobile": the country is`,
		"+8160xxxxxxxx jp mobile":       `line 1, "+8160xxxxxxxx jp mobile": the country is`,
		"+8160xxxxxxxx JP cell":         `line 1, "+8160xxxxxxxx JP cell": the line is`,
		"+8160xxxxxxxx JP mobile phone": `line 1, "+8160xxxxxxxx JP mobile phone": write a range`,
	} {
		if _, err := numberplan.New(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestTheMetadataSaysItsAge: an update of the library changes Metadata too, and removes the
// additions that the library knows.
func TestTheMetadataSaysItsAge(t *testing.T) {
	mod, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(mod), "github.com/nyaruka/phonenumbers v1.8.1\n") {
		t.Errorf("the library is another one: read its CHANGELOG, set Metadata (now %s of %s) and correct this test", numberplan.Metadata, numberplan.MetadataDate)
	}
	if parsed, err := phonenumbers.Parse("+816012345678", ""); err != nil || phonenumbers.IsValidNumber(parsed) {
		t.Error("the metadata knows +81 60: remove it from additions.txt")
	}
}
