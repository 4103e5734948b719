package numberplan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"

	"github.com/countersign-mfa/countersign/internal/domain/numberplan"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/domain/typed"
)

func mustParse(t *testing.T, s string) phone.Number {
	t.Helper()
	n, err := numberplan.Parse(s)
	if err != nil {
		t.Fatalf("Parse(%q): %v", s, err)
	}
	return n
}

// TestCountries: the countries that settings accept are those of the numbering plan.
func TestCountries(t *testing.T) {
	regions := phonenumbers.GetSupportedRegions()
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string([]rune{a, b})
			if want := regions[code]; smsprice.IsCountry(code) != want {
				t.Errorf("IsCountry(%s) is %v, want %v", code, !want, want)
			}
		}
	}
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		name, text, e164, country, masked string
		line                              phone.Line
		test, allowed                     bool
	}{
		{
			"fictional, Washington", "+12025550142", "+12025550142", "US", "+1*******42",
			phone.FixedOrMobile, true, true,
		},
		{
			"fictional, in groups", " +1 (202) 555-01.00 ", "+12025550100", "US", "+1*******00",
			phone.FixedOrMobile, true, true,
		},
		{
			"fictional, in an area that is nobody's", "+15555550199", "+15555550199", "US", "+1*******99",
			phone.FixedOrMobile, true, true,
		},
		{
			"fictional, Toronto", "+14165550123", "+14165550123", "CA", "+1*******23",
			phone.FixedOrMobile, true, true,
		},
		{
			"fictional, Jamaica", "+18765550123", "+18765550123", "JM", "+1*******23",
			phone.Mobile, true, true,
		},
		{
			"fictional, but toll free", "+18005550123", "+18005550123", "US", "+1*******23",
			phone.TollFree, true, false,
		},
		{
			"fictional, but premium", "+19005550123", "+19005550123", "US", "+1*******23",
			phone.Premium, true, false,
		},
		{"the line before", "+12025550099", "+12025550099", "US", "+1*******99", phone.FixedOrMobile, false, true},
		{"the line after", "+12025550200", "+12025550200", "US", "+1*******00", phone.FixedOrMobile, false, true},
		{"United States", "+1 650-253-0000", "+16502530000", "US", "+1*******00", phone.FixedOrMobile, false, true},
		{"Puerto Rico", "+17872345678", "+17872345678", "PR", "+1*******78", phone.FixedOrMobile, false, true},
		{"British mobile", "+44 7400 123456", "+447400123456", "GB", "+44*******56", phone.Mobile, false, true},
		{"British landline", "+44 20 7946 0958", "+442079460958", "GB", "+44*******58", phone.Fixed, false, false},
		{"Guernsey", "+447781123456", "+447781123456", "GG", "+44*******56", phone.Mobile, false, true},
		{"German mobile", "+49 1512 3456789", "+4915123456789", "DE", "+49*******89", phone.Mobile, false, true},
		{"Italian landline, with its 0", "+39 02 1234 5678", "+390212345678", "IT", "+39*******78", phone.Fixed, false, false},
		{"Argentine mobile, with its 9", "+54 9 11 2345-6789", "+5491123456789", "AR", "+54*******89", phone.Mobile, false, true},
		{"Kosovo", "+38343201234", "+38343201234", "XK", "+383*******34", phone.Mobile, false, true},
		{"Niue, as short as they get", "+6834002", "+6834002", "NU", "+683*******02", phone.Fixed, false, false},
		{"British premium", "+449012345678", "+449012345678", "GB", "+44*******78", phone.Premium, false, false},
		{"British 0843, which costs extra", "+448431234567", "+448431234567", "GB", "+44*******67", phone.Premium, false, false},
		{"German shared cost", "+491801234567", "+491801234567", "DE", "+49*******67", phone.SharedCost, false, false},
		{"British over the internet", "+445612345678", "+445612345678", "GB", "+44*******78", phone.VoIP, false, false},
		{"British pager", "+447640123456", "+447640123456", "GB", "+44*******56", phone.Pager, false, false},
		{"British personal", "+447012345678", "+447012345678", "GB", "+44*******78", phone.Other, false, false},
		{"British company", "+445512345678", "+445512345678", "GB", "+44*******78", phone.Other, false, false},
		{"German voicemail", "+49177991234567", "+49177991234567", "DE", "+49*******67", phone.Other, false, false},
		{"North American personal", "+15002345678", "+15002345678", "US", "+1*******78", phone.Other, false, false},
		{"international toll free", "+80012345678", "+80012345678", "", "+800*******78", phone.TollFree, false, false},
		{"international premium", "+979123456789", "+979123456789", "", "+979*******89", phone.Premium, false, false},
		{"satellite, +881", "+881612345678", "+881612345678", "", "+881*******78", phone.Other, false, false},
		{"satellite, +870", "+870301234567", "+870301234567", "", "+870*******67", phone.Other, false, false},
		{"networks of no country, +883", "+883510012345", "+883510012345", "", "+883*******45", phone.VoIP, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := mustParse(t, test.text)
			got := fmt.Sprintln(n.E164(), n.Country(), n.Masked(), n.Line(), n.IsTest(), n.TextAllowed(), n.IsZero())
			want := fmt.Sprintln(test.e164, test.country, test.masked, test.line, test.test, test.allowed, false)
			if got != want {
				t.Errorf("\ngot  %swant %s", got, want)
			}
		})
	}
}

var refused = map[string]string{
	"empty":                             "",
	"a plus":                            "+",
	"two pluses":                        "++12025550142",
	"no plus":                           "12025550142",
	"the exit code for a plus":          "0012025550142",
	"the American exit code":            "01112025550142",
	"national form":                     "(202) 555-0142",
	"a plus at the end":                 "12025550142+",
	"a tel URI":                         "tel:+12025550142",
	"an extension":                      "+12025550142;ext=5",
	"an extension, spelt x":             "+12025550142x5",
	"an extension, spelt ext.":          "+12025550142 ext. 5",
	"a pause":                           "+12025550142,,5",
	"a wait":                            "+12025550142w5",
	"another pause":                     "+12025550142p5",
	"two numbers":                       "+12025550142 +12025550143",
	"two numbers, joined":               "+12025550142/3",
	"a phone context":                   "2025550142;phone-context=+1",
	"letters":                           "+1202555CODE",
	"a NUL":                             "+12025550142\x00",
	"an angle bracket":                  "+1>2025550142",
	"an emoji":                          "+1202555014📞",
	"a country code that begins with 0": "+0202555014",
	"a country code that is nobody's":   "+9992025550142",
	"nothing but a country code":        "+1",
	"a country code and a digit":        "+12",
	"a digit too few":                   "+1202555014",
	"a digit too many":                  "+120255501420",
	"sixteen digits":                    "+4915123456789012",
	"a short code":                      "+112345",
	"an emergency number":               "+1911",
	"an exchange that begins with 1":    "+12021550142",
	"fictional, in an area of 1":        "+11235550142",
	"fictional, in an area of 0":        "+10235550142",
	"an area that is nobody's":          "+15555551200",
	"a national 0 after +44":            "+4402079460958",
	"a national 1 after +1":             "+112025550142",
	"Russian 8 after +7":                "+789161234567",
	"zeros":                             "+1000000000000",
	"long":                              "+" + strings.Repeat("1", 1<<20),
	"long, in groups":                   "+1" + strings.Repeat(" ", 1<<20) + "2025550142",
	"the old Mexican 1, and a digit":    "+52155123456789",
	"a superscript":                     "+1202555014²",
	"a circled digit":                   "+1202555014②",
}

// TestSpellingsOfANumber: libphonenumber reads each of these as +12015550123. Phones, contact lists
// and word processors write them: the marks of direction, for example, come with a number that is
// copied from the contacts of iOS.
func TestSpellingsOfANumber(t *testing.T) {
	for name, text := range map[string]string{
		"a full-width plus":              "＋12015550123",
		"Arabic-Indic digits":            "+١٢٠١٥٥٥٠١٢٣",
		"full-width digits and brackets": "＋１（２０１）５５５．０１２３",
		"marks of the writing direction": "\u202a+1 201 555 0123\u202c",
		"an isolate":                     "\u2068+12015550123\u2069",
		"a left-to-right mark":           "\u200e+12015550123\u200e",
		"no-break spaces":                "+1\u00a0201\u202f555\u00a00123",
		"an ideographic space":           "+1\u3000201\u30005550123",
		"non-breaking hyphens":           "+1\u2011201\u2011555\u20110123",
		"an en dash and a minus sign":    "+1201555\u20130\u2212123",
		"a Japanese long vowel":          "+1ー201ー555ー0123",
		"a soft hyphen":                  "+1201\u00ad5550123",
		"a byte order mark":              "\ufeff+12015550123",
		"a tab and a line end":           "+1\t2015550123\r\n",
		"spaces everywhere":              " + 1 ( 201 ) 555 - 01 . 23 ",
	} {
		if n, err := numberplan.Parse(text); err != nil || n.E164() != "+12015550123" {
			t.Errorf("%s: %q, %v", name, n.E164(), err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range refused {
		n, err := numberplan.Parse(text)
		if !errors.Is(err, phone.ErrInvalid) || !n.IsZero() {
			t.Errorf("%s: %q, %v", name, n.E164(), err)
		}
		if err != nil && err.Error() != phone.ErrInvalid.Error() {
			t.Errorf("%s: the error tells more than ErrInvalid: %v", name, err)
		}
	}
}

// TestFictionalNumbersInEveryArea: a fictional number is valid in every area. Only its country
// comes from the numbering plan.
func TestFictionalNumbersInEveryArea(t *testing.T) {
	if testing.Short() {
		t.Skip("it reads thousands of numbers")
	}
	for area := 200; area < 1000; area++ {
		for _, line := range []int{100, 142, 199} {
			s := fmt.Sprintf("+1%d5550%d", area, line)
			n := mustParse(t, s)
			if n.E164() != s || !n.IsTest() || n.Country() == "" {
				t.Errorf("%s: %s, %v, %q", s, n.E164(), n.IsTest(), n.Country())
			}
		}
	}
}

func TestNumbersCompare(t *testing.T) {
	a, b := mustParse(t, "+12025550142"), mustParse(t, "+1 (202) 555-0142")
	if a != b || (map[phone.Number]int{a: 1})[b] != 1 {
		t.Error("two spellings of a number differ")
	}
	if a == mustParse(t, "+12025550143") {
		t.Error("two numbers are the same")
	}
}

func TestZeroNumber(t *testing.T) {
	var n phone.Number
	if !n.IsZero() || n.E164() != "" || n.Masked() != "" || n.Country() != "" || n.IsTest() || n.TextAllowed() {
		t.Errorf("the zero Number is %q", n.E164())
	}
	if got := fmt.Sprintf("%v%s%#v", n, n, n); got != "" {
		t.Errorf("the zero Number prints %q", got)
	}
}

func TestLines(t *testing.T) {
	seen := map[string]bool{}
	for line := phone.Other; line <= phone.Pager; line++ {
		if seen[line.String()] || line.String() == "" {
			t.Errorf("line %d has the name %q", int(line), line)
		}
		seen[line.String()] = true
		if want := line == phone.Mobile || line == phone.FixedOrMobile; line.TextAllowed() != want {
			t.Errorf("%v: TextAllowed() = %v", line, !want)
		}
	}
	for _, line := range []phone.Line{phone.Other - 1, phone.Pager + 1} {
		if want := fmt.Sprintf("Line(%d)", int(line)); line.String() != want || line.TextAllowed() {
			t.Errorf("%v, %v", line, line.TextAllowed())
		}
	}
}

type holder struct {
	Public  phone.Number
	private phone.Number
	Pointer *phone.Number
	List    []phone.Number
	Any     any
}

func held(n phone.Number) holder {
	return holder{Public: n, private: n, Pointer: &n, List: []phone.Number{n}, Any: n}
}

// significant finds the number in decimal and in the hexadecimal of its characters.
var significant = regexp.MustCompile(`2025550142|(?i)3230323535353031`)

func TestPrintsMasked(t *testing.T) {
	n := mustParse(t, "+12025550142")
	for _, verb := range "vsqxXdbotTUceEfFgGp" {
		for _, flags := range []string{"", "+", "#", "0", "40"} {
			format := "%" + flags + string(verb)
			for _, arg := range []any{n, &n, held(n), new(held(n)), map[phone.Number]phone.Number{n: n}} {
				out := fmt.Sprintf(format, arg)
				if significant.MatchString(strings.ReplaceAll(out, " ", "")) {
					t.Errorf("%q of %T prints %s", format, arg, out)
				}
			}
		}
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(format, n); got != "+1*******42" {
			t.Errorf("%q prints %q", format, got)
		}
	}
	if n.String() != "+1*******42" {
		t.Errorf("String() = %q", n.String())
	}
}

func TestEncodesMasked(t *testing.T) {
	n := mustParse(t, "+12025550142")
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("m", "number", n, "holder", held(n))
	slog.New(slog.NewJSONHandler(&b, nil)).Info("m", "number", n, "holder", held(n))
	if err := json.NewEncoder(&b).Encode(held(n)); err != nil {
		t.Fatal(err)
	}
	if significant.Match(b.Bytes()) || !strings.Contains(b.String(), "+1*******42") {
		t.Errorf("encoded %s", b.String())
	}
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)

// FuzzParse states that nothing makes Parse panic, and that a number it takes is its own E.164
// spelling, made of the digits that were typed, and masked but for its last two.
func FuzzParse(f *testing.F) {
	for _, text := range refused {
		f.Add(text)
	}
	for _, text := range []string{"+12025550142", "+1 (202) 555-0142", "+390669812345", "+881612345678", "+15555550100"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := numberplan.Parse(text)
		if err != nil {
			if !n.IsZero() || !errors.Is(err, phone.ErrInvalid) {
				t.Fatalf("Parse(%q) = %q, %v", text, n.E164(), err)
			}
			return
		}
		s := n.E164()
		plain := digits(typed.Compact(text))
		if !e164.MatchString(s) || digits(s) != plain && !rewritten(text, plain) {
			t.Fatalf("Parse(%q) = %q", text, s)
		}
		if again, err := numberplan.Parse(s); err != nil || again != n {
			t.Fatalf("Parse(%q) = %q, %v", s, again.E164(), err)
		}
		if m := n.Masked(); m[len(m)-2:] != s[len(s)-2:] || !strings.HasPrefix(s, m[:strings.Index(m, "*")]) || strings.Count(m, "*") != 7 {
			t.Fatalf("%q is masked %q", s, m)
		}
		if n.TextAllowed() && n.Country() == "" {
			t.Fatalf("a text to %q, of no country, is allowed", s)
		}
	})
}

// rewritten reports whether a text has a form that Parse changes: a 0 in brackets, or the digits of
// an old plan.
func rewritten(text, digits string) bool {
	return strings.Contains(text, "0") && strings.ContainsAny(text, "(（") || regexp.MustCompile(`^(521|229|55)`).MatchString(digits)
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, s)
}

func BenchmarkParse(b *testing.B) {
	for _, s := range []string{"+12025550142", "+447400123456", "+9992025550142"} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = numberplan.Parse(s)
			}
		})
	}
}

// TestMaskKeepsTheCountryCode: the country codes in package phone are those of the plans.
func TestMaskKeepsTheCountryCode(t *testing.T) {
	codes := phonenumbers.GetSupportedCallingCodes()
	if len(codes) < 200 {
		t.Fatalf("%d country codes", len(codes))
	}
	for code := range codes {
		if got, want := phone.Mask(fmt.Sprintf("+%d12345678", code)), fmt.Sprintf("+%d*******78", code); got != want {
			t.Errorf("mask of country code %d is %s, want %s", code, got, want)
		}
	}
}
