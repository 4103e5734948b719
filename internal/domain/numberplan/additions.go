package numberplan

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/phone"
)

// Metadata is the release of Google's libphonenumber whose metadata the library has, and
// MetadataDate its day. Numbers that were assigned later are unknown until they stand in
// additions.txt.
const (
	Metadata     = "9.0.32"
	MetadataDate = "2026-06-01"
)

// additions are the ranges that this build adds to the metadata.
//
//go:embed additions.txt
var additions string

var builtIn = mustAdd(additions)

func mustAdd(text string) *Plan {
	p, err := New(text)
	if err != nil {
		panic("numberplan: additions.txt: " + err.Error())
	}
	return p
}

// Plan is the world's numbering plans with additional ranges. It is safe for concurrent use.
type Plan struct{ ranges []addition }

// addition is a range of numbers that the metadata does not have.
type addition struct {
	text    string // as in additions.txt, without a comment
	form    *regexp.Regexp
	country string
	line    phone.Line
}

// rangeForm is a number in E.164 form with x for any digit, after a country code and at least one
// digit.
var rangeForm = regexp.MustCompile(`^\+[1-9][0-9]{1,13}x{1,13}$`)

// lineNames are the lines of a range as a file names them.
var lineNames = map[string]phone.Line{
	"mobile": phone.Mobile, "fixed": phone.Fixed, "toll-free": phone.TollFree, "premium": phone.Premium,
	"shared-cost": phone.SharedCost, "voip": phone.VoIP, "pager": phone.Pager,
}

// New returns a plan with the ranges of a text: a range, a country and a line in each line, as in
// additions.txt. Empty lines and lines after # mean nothing. An earlier line wins over a later one
// and over the metadata. The error names the first wrong line, by number and text, and
// what is right.
func New(text string) (*Plan, error) {
	p := &Plan{}
	for i, row := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		row, _, _ = strings.Cut(row, "#")
		words := strings.Fields(row)
		if len(words) == 0 {
			continue
		}
		added, err := parseAddition(words)
		if err != nil {
			return nil, fmt.Errorf("line %d, %q: %w", i+1, strings.Join(words, " "), err)
		}
		p.ranges = append(p.ranges, added)
	}
	return p, nil
}

func parseAddition(words []string) (addition, error) {
	if len(words) != 3 {
		return addition{}, fmt.Errorf("write a range, a country and a line, as in +8160xxxxxxxx JP mobile")
	}
	line, known := lineNames[words[2]]
	switch {
	case !rangeForm.MatchString(words[0]) || len(words[0]) > len("+")+15:
		return addition{}, fmt.Errorf("a range is + and 7 to 15 digits with x for any digit at the end, as in +8160xxxxxxxx")
	case len(words[0]) < len("+")+7:
		return addition{}, fmt.Errorf("a range has at least 7 digits")
	case !isRegion(words[1]) || !strings.HasPrefix(words[0], fmt.Sprintf("+%d", codeOf(words[1]))):
		return addition{}, fmt.Errorf("the country is two letters of ISO 3166-1, whose country code begins the range")
	case !known:
		return addition{}, fmt.Errorf("the line is mobile, fixed, toll-free, premium, shared-cost, voip or pager")
	}
	form := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(words[0]), "x", "[0-9]") + "$")
	return addition{strings.Join(words, " "), form, words[1], line}, nil
}

// added returns the number of an added range.
func (p *Plan) added(e164 string) (phone.Number, bool) {
	for _, r := range p.ranges {
		if r.form.MatchString(e164) {
			n, err := phone.New(e164, r.country, r.line)
			return n, err == nil
		}
	}
	return phone.Number{}, false
}

// With returns a plan with the ranges of other before those of p.
func (p *Plan) With(other *Plan) *Plan {
	return &Plan{append(append([]addition(nil), other.ranges...), p.ranges...)}
}

// BuiltIn returns the plan of this build: the metadata and additions.txt.
func BuiltIn() *Plan { return builtIn }

// Extend returns [BuiltIn] with the ranges of a text before its own. The text and the error are
// those of [New].
func Extend(text string) (*Plan, error) {
	more, err := New(text)
	if err != nil {
		return nil, err
	}
	return builtIn.With(more), nil
}

// Ranges returns the additional ranges, each as a line of additions.txt without a comment.
func (p *Plan) Ranges() []string {
	var lines []string
	for _, r := range p.ranges {
		lines = append(lines, r.text)
	}
	return lines
}

// String returns the plan's age and its additional ranges, those of additions.txt among them: as in
// "numbering plans of 2026-06-01 (libphonenumber 9.0.32), 2 added ranges".
func (p *Plan) String() string {
	noun := "ranges"
	if len(p.ranges) == 1 {
		noun = "range"
	}
	return fmt.Sprintf("numbering plans of %s (libphonenumber %s), %d added %s", MetadataDate, Metadata, len(p.ranges), noun)
}
