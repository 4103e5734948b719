package backend

import (
	"maps"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/directory"
	"github.com/countersign-mfa/countersign/internal/domain/listing"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/store"
)

// UsersList is GET /v1/users.
func UsersList() operation.Operation {
	return row("users-list", "GET /v1/users",
		"List users", operation.Entries, listUsers)
}

// UsersCount is GET /v1/users/count.
func UsersCount() operation.Operation {
	return row("users-count", "GET /v1/users/count",
		"Count users", operation.Entries, countUsers)
}

// userFilter narrows users-list and users-count. All given filters must match. The signs by which
// Clerk includes and excludes ids are refused: read as part of an id, -user_1 would find no user
// instead of all but one.
type userFilter struct {
	Emails         []string `query:"email_address"`
	Numbers        []string `query:"phone_number" doc:"E.164; a number is found once it is verified"`
	Usernames      []string `query:"username"`
	ExternalIDs    []string `query:"external_id" rules:"pattern=^[^-+\\x20\\x00][^\\x00]*$"`
	IDs            []string `query:"user_id" rules:"pattern=^[^-+\\x20\\x00][^\\x00]*$"`
	Query          string   `query:"query" rules:"format=search" doc:"beginnings of words of e-mail addresses, usernames and names; or a whole id or number, or at least the last four digits of one"`
	EmailQuery     string   `query:"email_address_query" rules:"format=search" doc:"beginnings of words of an e-mail address"`
	NumberQuery    string   `query:"phone_number_query" rules:"format=search" doc:"a whole number in E.164, or at least its last four digits"`
	UsernameQuery  string   `query:"username_query" rules:"format=search" doc:"beginnings of words of a username"`
	NameQuery      string   `query:"name_query" rules:"format=search" doc:"beginnings of words of first and last names"`
	Banned         *bool    `query:"banned"`
	Locked         *bool    `query:"locked" doc:"users who are locked now"`
	SecondFactor   *bool    `query:"second_factor" doc:"users with a second factor; as locked, without an identifier or a search it reads at most 10,000 users"`
	MFADue         *bool    `query:"mfa_due" doc:"users who have to have a second factor, now or from a date on, and have none; while the setting mfa_required is on, it reads users as second_factor does"`
	CreatedBefore  *int     `query:"created_at_before" doc:"milliseconds since 1970"`
	CreatedAfter   *int     `query:"created_at_after" doc:"milliseconds since 1970"`
	SignedInBefore *int     `query:"last_sign_in_at_before" doc:"milliseconds since 1970, beside a search or an identifier; users who never signed in are left out"`
	SignedInAfter  *int     `query:"last_sign_in_at_after" doc:"milliseconds since 1970, beside a search or an identifier"`
	Stranded       *bool    `query:"stranded" doc:"users who have a second factor and can prove none under the settings; backup codes do not count; false goes beside a search or an identifier"`
	// Without previews a change of settings: it finds the users who would be locked out.
	Without []strandingCause `query:"stranded_without" rules:"items=..300" doc:"users who are not stranded, and would be with these switched off: sms_code, authenticator_app, or a country of sms_countries"`
}

// strandingCause is what a change of settings can switch off: a method, or the text messages to a
// country.
type strandingCause string

// Values implements [operation.Enumerated].
func (strandingCause) Values() []string {
	return append(slices.Sorted(maps.Keys(settingMethods)), smsprice.Countries()...)
}

// Explain implements [operation.Explainer].
func (strandingCause) Explain(text string) string { return smsprice.NoCountry(text) }

// settingMethods maps a setting to the factor that it switches on and off.
var settingMethods = map[string]account.Strategy{"sms_code": account.PhoneCode, "authenticator_app": account.TOTPCode}

// filter returns the filter as the directory takes it, under the given settings.
func (in userFilter) filter(set account.Settings) directory.Filter {
	f := directory.Filter{
		IDs: in.IDs, ExternalIDs: in.ExternalIDs, Emails: in.Emails, Usernames: in.Usernames, Numbers: plussed(in.Numbers),
		Banned: in.Banned, Locked: in.Locked, SecondFactor: in.SecondFactor, MFADue: in.MFADue, Stranded: in.Stranded, Created: period(in.CreatedAfter, in.CreatedBefore), SignedIn: period(in.SignedInAfter, in.SignedInBefore),
	}
	if len(in.Without) > 0 {
		after := in.without(set)
		f.Without = &after
	}
	in.search(&f)
	return f
}

// without returns the settings with the methods and countries switched off that the filter names.
func (in userFilter) without(set account.Settings) account.Settings {
	var methods []account.Strategy
	var countries []string
	for _, off := range in.Without {
		if by := settingMethods[string(off)]; by != "" {
			methods = append(methods, by)
		} else {
			countries = append(countries, string(off))
		}
	}
	return set.Without(methods, countries)
}

// search adds the texts that are searched for. A whole id or number names its user.
func (in userFilter) search(f *directory.Filter) {
	for _, of := range []struct {
		param, value string
		fields       []listing.Field
	}{
		{"query", in.Query, []listing.Field{listing.Email, listing.Username, listing.Name}}, {"email_address_query", in.EmailQuery, []listing.Field{listing.Email}},
		{"phone_number_query", in.NumberQuery, nil}, {"username_query", in.UsernameQuery, []listing.Field{listing.Username}}, {"name_query", in.NameQuery, []listing.Field{listing.Name}},
	} {
		numbers := of.param == "query" || of.fields == nil
		number, err := phone.Normalize(plussed([]string{of.value})[0])
		switch {
		case of.value == "":
		case numbers && err == nil && len(number) >= shortestNumber:
			f.Numbers = both(f.Numbers, number)
		case of.param == "query" && account.BareID(account.PrefixUser, of.value) != "":
			f.IDs = both(f.IDs, of.value)
		default:
			f.Texts = append(f.Texts, directory.Text{Param: of.param, Value: national(of.value), Fields: of.fields, Digits: numbers})
		}
	}
}

// national returns the digits of a phone number in a national form, without the zeros before it
// that a number in E.164 does not have. Other texts stay as they are.
func national(text string) string {
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune("()-./ ", r) {
			return -1
		}
		return r
	}, text)
	if len(digits) < fewestDigits || strings.Trim(digits, "0123456789") != "" {
		return text
	}
	if without := strings.TrimLeft(digits, "0"); len(without) >= fewestDigits {
		return without
	}
	return digits
}

// fewestDigits is the length of the shortest text of digits that is read as a number as a whole.
const fewestDigits = 5

// shortestNumber is the length of the shortest numbers of subscribers, with their +.
const shortestNumber = 8

// both returns the values that are wanted by a list, nil for all, and by one more value.
func both(wanted []string, value string) []string {
	if wanted == nil || slices.Contains(wanted, value) {
		return []string{value}
	}
	return []string{}
}

// plussed turns a space before a number back into a plus: an unescaped plus in a query means a
// space.
func plussed(numbers []string) []string {
	var out []string
	for _, n := range numbers {
		normal, err := phone.Normalize(n)
		if rest, ok := strings.CutPrefix(n, " "); ok && err != nil {
			n = "+" + rest
			normal, err = phone.Normalize(n)
		}
		if err == nil {
			n = normal
		}
		out = append(out, n)
	}
	return out
}

// period returns the period between two times, each of which may be nil. All times up to 1970 are
// the same: each user was made, and signed in if ever, after them.
func period(after, before *int) listing.Period {
	var p listing.Period
	if after != nil {
		if p.After = account.Instant(*after); p.After <= 0 {
			p.After = -1
		}
	}
	if before != nil {
		p.Before = account.Instant(max(*before, 1))
	}
	return p
}

// ordered is the order of users. Only the time of creation never changes: an order by another time
// would cost one more write at each sign-in.
type ordered struct {
	Order string `query:"order_by" rules:"one=created_at|+created_at|-created_at default=-created_at" doc:"after a - the newest first"`
}

func (in ordered) order() store.Order {
	if strings.HasPrefix(in.Order, "-") {
		return store.Descending
	}
	return store.Ascending
}

type userListInput struct {
	userFilter
	Limit  int    `query:"limit" rules:"min=1 max=500 default=10"`
	Offset int    `query:"offset" rules:"min=0 max=10000 default=0" doc:"how many to leave out"`
	After  string `query:"starting_after" rules:"format=user-id" doc:"the id of the last user of the page before; has no limit, where an offset has 10,000"`
	ordered
}

func listUsers(c *operation.Call, in userListInput) ([]wire.AdminUser, error) {
	found, err := c.Service.Directory.Users(c, directory.Query{Filter: in.filter(c.Settings), Order: in.order(), After: in.After, Offset: in.Offset, Limit: in.Limit})
	out := []wire.AdminUser{}
	for _, u := range found {
		out = append(out, wire.NewAdminUser(u, account.At(c.Service.Now())))
	}
	return out, err
}

// TotalCount is a number of resources.
type TotalCount struct {
	Object     string `json:"object"`
	TotalCount int    `json:"total_count"`
}

// userCountInput takes the page and the order too, which do not change the count: Clerk's SDK for
// Go asks for the count with all parameters of the list.
type userCountInput struct {
	userFilter
	page
	ordered
}

func countUsers(c *operation.Call, in userCountInput) (TotalCount, error) {
	total, err := c.Service.Directory.Count(c, in.filter(c.Settings))
	return TotalCount{Object: "total_count", TotalCount: total}, err
}
