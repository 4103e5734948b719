package operation

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// Rules say which values of a parameter are right. They are the words of the field's tag "rules":
//
//	required        absent is form_param_missing; null or empty is form_param_nil
//	clearable       beside required: an empty text is right, and clears what is stored
//	nonempty        absent, null or empty is form_param_nil: Clerk's answer for codes and passwords
//	min=1 max=500   bounds of a number, or of the numbers of a map
//	default=10      the value of an absent parameter
//	length=1..64    characters of a text, or of each text of a list; either bound may be left out
//	items=1..100    values of a list; a list in a query has at most 100 without this rule
//	one=a|b         the only texts that are right, or the only truth: one=true
//	format=uri      the name of a form in the document, which the function or the domain checks
//	pattern=^[a-z]  a regular expression that is the same in Go and in ECMAScript, without blanks
type Rules struct {
	Required, Nonempty bool
	Clearable          bool
	Min, Max           *float64
	Default            string
	Length, Items      Range
	One                []string
	Format             string
	Pattern            *regexp.Regexp
}

// Range is a number of characters or values. A Max of 0 means that there is no upper bound.
type Range struct{ Min, Max int }

func (r Range) holds(n int) bool { return n >= r.Min && (r.Max == 0 || n <= r.Max) }

// Enumerated is a type of texts whose right values are known to code. A field of that type, or a
// list or map of it, needs no rule "one".
type Enumerated interface{ Values() []string }

// Explainer is an [Enumerated] type that says in a sentence what is wrong with a text.
type Explainer interface{ Explain(text string) string }

// parseRules reads a tag. A wrong tag is a mistake in a row of the table, so it panics.
func parseRules(tag string) Rules {
	var r Rules
	for word := range strings.FieldsSeq(tag) {
		name, value, _ := strings.Cut(word, "=")
		var err error
		switch name {
		case "required":
			r.Required = true
		case "clearable":
			r.Clearable = true
		case "nonempty":
			r.Nonempty = true
		case "min":
			r.Min, err = parseNumber(value)
		case "max":
			r.Max, err = parseNumber(value)
		case "default":
			r.Default = value
		case "length":
			r.Length, err = parseRange(value)
		case "items":
			r.Items, err = parseRange(value)
		case "one":
			r.One = strings.Split(value, "|")
		case "format":
			r.Format = value
		case "pattern":
			r.Pattern, err = regexp.Compile(value)
		default:
			err = fmt.Errorf("there is no such rule")
		}
		if err != nil {
			panic(fmt.Sprintf("operation: rule %q: %v", word, err))
		}
	}
	return r
}

func parseNumber(text string) (*float64, error) {
	n, err := strconv.ParseFloat(text, 64)
	return &n, err
}

func parseRange(text string) (Range, error) {
	from, to, ok := strings.Cut(text, "..")
	if !ok {
		return Range{}, fmt.Errorf("a range is written 1..64")
	}
	var r Range
	for bound, number := range map[*int]string{&r.Min: from, &r.Max: to} {
		if number == "" {
			continue
		}
		n, err := strconv.Atoi(number)
		if err != nil {
			return Range{}, err
		}
		*bound = n
	}
	return r, nil
}

// enumerated returns the values of an [Enumerated] type, or nil.
func enumerated(t reflect.Type) []string {
	if e, ok := reflect.Zero(t).Interface().(Enumerated); ok {
		return e.Values()
	}
	return nil
}

// check returns the error of a value that breaks a rule.
func (p Param) check(v reflect.Value) error {
	if text, ok := v.Interface().(secret.Value); ok {
		return p.checkText(text.Reveal())
	}
	switch v.Kind() {
	case reflect.Pointer:
		return p.check(v.Elem())
	case reflect.String:
		return p.checkText(v.String())
	case reflect.Bool:
		if !p.isOne(strconv.FormatBool(v.Bool())) {
			return p.wrong(apierr.FormParamValueInvalid)
		}
	case reflect.Int, reflect.Int64:
		return p.checkNumber(float64(v.Int()))
	case reflect.Float64:
		return p.checkNumber(v.Float())
	case reflect.Slice:
		return p.checkList(v)
	case reflect.Map:
		for key, value := range v.Seq2() {
			if !p.isOne(key.String()) {
				return p.notOne(key.String())
			}
			if err := p.check(value); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p Param) checkText(text string) error {
	switch n := utf8.RuneCountInString(text); {
	case text == "" && p.IsNeeded() && p.IsText() && !p.Clearable:
		return apierr.New(apierr.FormParamNil)
	case p.Length.Max > 0 && n > p.Length.Max:
		return p.wrong(apierr.FormParamMaxLengthExceeded)
	case n < p.Length.Min:
		return p.wrong(apierr.FormParamValueInvalid)
	case !p.isOne(text):
		return p.notOne(text)
	case p.Pattern != nil && !p.Pattern.MatchString(text):
		return p.wrong(apierr.FormParamFormatInvalid)
	}
	return nil
}

// isOne reports whether a text is one of the right ones, if they are listed.
func (p Param) isOne(text string) bool { return p.One == nil || slices.Contains(p.One, text) }

func (p Param) notOne(text string) error {
	if e, ok := reflect.Zero(p.textType()).Interface().(Explainer); ok {
		return apierr.New(apierr.FormParamValueInvalid).Explain(e.Explain(text))
	}
	return p.wrong(apierr.FormParamValueInvalid)
}

func (p Param) checkNumber(n float64) error {
	if p.Min != nil && n < *p.Min || p.Max != nil && n > *p.Max || math.IsNaN(n) {
		return p.wrong(apierr.FormParamValueInvalid)
	}
	return nil
}

func (p Param) checkList(v reflect.Value) error {
	if v.Type().Elem().Kind() == reflect.Uint8 { // an object
		return nil
	}
	if n := v.Len(); !p.Items.holds(n) {
		code := apierr.FormParamValueInvalid
		if p.In == inBody && n > p.Items.Min {
			code = apierr.FormParamArraySizeExceeded
		}
		return p.wrong(code)
	}
	for _, item := range v.Seq2() {
		if err := p.check(item); err != nil {
			return err
		}
	}
	return nil
}

// wrong returns an error that says what is right.
func (p Param) wrong(code apierr.Code) error {
	if p.narrows {
		code = apierr.FormParamValueInvalid
	}
	e := apierr.New(code)
	if said := p.Said(); said != "" {
		return e.Explain("The right value is: " + said + ".")
	}
	return e
}

// maxSaid is how many values a sentence lists.
const maxSaid = 12

// Said returns the rules in words, as in "1 to 500, default 10".
func (r Rules) Said() string {
	var parts []string
	if r.Required || r.Nonempty {
		parts = append(parts, "required")
	}
	if len(r.One) > 0 && len(r.One) <= maxSaid {
		last := len(r.One) - 1
		if last == 0 {
			parts = append(parts, r.One[0])
		} else {
			parts = append(parts, strings.Join(r.One[:last], ", ")+" or "+r.One[last])
		}
	}
	if said := between(number(r.Min), number(r.Max)); said != "" {
		parts = append(parts, said)
	}
	if said := r.Length.said(); said != "" {
		parts = append(parts, said+" characters")
	}
	if said := r.Items.said(); said != "" {
		parts = append(parts, said+" values")
	}
	if r.Format != "" {
		parts = append(parts, r.Format)
	}
	if r.Default != "" {
		parts = append(parts, "default "+r.Default)
	}
	return strings.Join(parts, ", ")
}

func number(n *float64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatFloat(*n, 'f', -1, 64)
}

func (r Range) said() string {
	var from, to string
	if r.Min > 0 {
		from = strconv.Itoa(r.Min)
	}
	if r.Max > 0 {
		to = strconv.Itoa(r.Max)
	}
	return between(from, to)
}

func between(from, to string) string {
	switch {
	case from != "" && from == to:
		return from
	case from != "" && to != "":
		return from + " to " + to
	case from != "":
		return "at least " + from
	case to != "":
		return "at most " + to
	}
	return ""
}
