package backend

import (
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/identifier"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
)

// UsersList is GET /v1/users.
func UsersList() operation.Operation {
	return row("users-list", "GET /v1/users",
		"List users", operation.Lists, listUsers)
}

// UsersCount is GET /v1/users/count.
func UsersCount() operation.Operation {
	return row("users-count", "GET /v1/users/count",
		"Count users", operation.Lists, countUsers,
		[]apierr.Code{apierr.FormParamValueInvalid})
}

// userFilter narrows users-list and users-count. All given filters must match.
type userFilter struct {
	Emails         []string `query:"email_address"`
	Phones         []string `query:"phone_number" doc:"E.164"`
	Usernames      []string `query:"username"`
	ExternalIDs    []string `query:"external_id"`
	IDs            []string `query:"user_id"`
	Query          string   `query:"query" doc:"part of an e-mail address, number, username, first or last name, or of the id"`
	EmailQuery     string   `query:"email_address_query" doc:"part of an e-mail address"`
	PhoneQuery     string   `query:"phone_number_query" doc:"part of a number"`
	UsernameQuery  string   `query:"username_query" doc:"part of a username"`
	NameQuery      string   `query:"name_query" doc:"part of a first or last name"`
	Banned         *bool    `query:"banned"`
	CreatedBefore  *int     `query:"created_at_before" doc:"milliseconds since 1970"`
	CreatedAfter   *int     `query:"created_at_after" doc:"milliseconds since 1970"`
	SignedInBefore *int     `query:"last_sign_in_at_before" doc:"milliseconds since 1970; users who never signed in are left out"`
	SignedInAfter  *int     `query:"last_sign_in_at_after" doc:"milliseconds since 1970"`
	Stranded       *bool    `query:"stranded" doc:"users who have a second factor and can prove none under the settings; backup codes do not count"`
	// Without previews a change of settings: it finds the users who would be locked out.
	Without []string `query:"stranded_without" rules:"items=..300" doc:"users who are not stranded, and would be with these switched off: sms_code, authenticator_app, or a country of sms_countries"`
}

// check refuses the signs by which Clerk includes and excludes ids. Read as part of an id, -user_1
// would find no user instead of all but one.
func (in userFilter) check() error {
	for _, of := range []struct {
		name   string
		values []string
	}{{"user_id", in.IDs}, {"external_id", in.ExternalIDs}} {
		for _, v := range of.values {
			if strings.ContainsAny(v[:1], "+- ") {
				return apierr.New(apierr.FormParamValueInvalid).Param(of.name)
			}
		}
	}
	for _, off := range in.Without {
		if settingMethods[off] == "" && !smsprice.IsCountry(off) {
			return apierr.New(apierr.FormParamValueInvalid).Param("stranded_without").Explain(smsprice.NoCountry(off))
		}
	}
	return nil
}

// settingMethods maps a setting to the factor that it switches on and off.
var settingMethods = map[string]account.Strategy{"sms_code": account.PhoneCode, "authenticator_app": account.TOTPCode}

// match returns the filter as a predicate, under the given settings.
func (in userFilter) match(set account.Settings) func(*account.User) bool {
	var methods []account.Strategy
	var countries []string
	for _, off := range in.Without {
		if by := settingMethods[off]; by != "" {
			methods = append(methods, by)
		} else {
			countries = append(countries, off)
		}
	}
	after := set.Without(methods, countries)
	return func(u *account.User) bool {
		return in.matches(u) && (in.Stranded == nil || *in.Stranded == u.Stranded(&set)) &&
			(len(in.Without) == 0 || !u.Stranded(&set) && u.Stranded(&after))
	}
}

func (in userFilter) matches(u *account.User) bool {
	emails, phones := identifiersOf(u)
	names := []string{u.FirstName, u.LastName, strings.TrimSpace(u.FirstName + " " + u.LastName)}
	everything := slices.Concat(emails, phones, names, []string{u.Username, u.WireID()})
	return isOne(identifier.Email, in.Emails, emails...) && isOne(identifier.Phone, plussed(in.Phones...), phones...) &&
		isOne(identifier.Username, in.Usernames, u.Username) && isOne(identifier.ExternalID, in.ExternalIDs, u.ExternalID) &&
		(len(in.IDs) == 0 || slices.Contains(in.IDs, u.WireID())) &&
		(isIn(in.Query, everything...) || isIn(plussed(in.Query)[0], phones...)) && isIn(in.EmailQuery, emails...) && isIn(plussed(in.PhoneQuery)[0], phones...) &&
		isIn(in.UsernameQuery, u.Username) && isIn(in.NameQuery, names...) &&
		(in.Banned == nil || *in.Banned == u.Banned) &&
		within(u.CreatedAt, in.CreatedAfter, in.CreatedBefore) && within(u.LastSignInAt, in.SignedInAfter, in.SignedInBefore)
}

func identifiersOf(u *account.User) (emails, phones []string) {
	for _, e := range u.Emails {
		emails = append(emails, e.Address)
	}
	for _, p := range u.Phones {
		phones = append(phones, p.Number)
	}
	return emails, phones
}

// plussed turns a space before a number back into a plus: an unescaped plus in a query means a
// space.
func plussed(numbers ...string) []string {
	out := make([]string, len(numbers))
	for i, n := range numbers {
		out[i] = n
		if rest, ok := strings.CutPrefix(n, " "); ok {
			out[i] = "+" + rest
		}
	}
	return out
}

// isOne reports whether one of the wanted identifiers is held, in any spelling.
func isOne(kind identifier.Kind, wanted []string, held ...string) bool {
	return len(wanted) == 0 || slices.ContainsFunc(wanted, func(w string) bool {
		return slices.ContainsFunc(held, func(h string) bool { return identifier.Normal(kind, w) == identifier.Normal(kind, h) })
	})
}

func isIn(part string, held ...string) bool {
	part = strings.ToLower(part)
	return part == "" || slices.ContainsFunc(held, func(h string) bool { return strings.Contains(strings.ToLower(h), part) })
}

// within reports whether a time lies between two bounds, each of which may be open. A time of zero
// is outside of any bound.
func within(at account.Instant, after, before *int) bool {
	if after == nil && before == nil {
		return true
	}
	return at != 0 && (after == nil || int64(at) > int64(*after)) && (before == nil || int64(at) < int64(*before))
}

// userOrders maps order_by without its sign to the time that users are sorted by.
var userOrders = map[string]func(*account.User) account.Instant{
	"created_at":      func(u *account.User) account.Instant { return u.CreatedAt },
	"updated_at":      func(u *account.User) account.Instant { return u.UpdatedAt },
	"last_sign_in_at": func(u *account.User) account.Instant { return u.LastSignInAt },
}

// defaultUserOrder is Clerk's default.
const defaultUserOrder = "-created_at"

func userOrder(text string) (admin.UserOrder, error) {
	if text == "" {
		text = defaultUserOrder
	}
	name, newest := strings.CutPrefix(text, "-")
	if !newest {
		name = strings.TrimLeft(text[:1], "+ ") + text[1:] // an unescaped plus arrives as a space
	}
	by, ok := userOrders[name]
	if !ok {
		return admin.UserOrder{}, apierr.New(apierr.FormParamValueInvalid).Param("order_by")
	}
	return admin.UserOrder{By: by, Newest: newest}, nil
}

type userListInput struct {
	userFilter
	page
	Order string `query:"order_by" doc:"created_at, updated_at or last_sign_in_at, after a - the newest first; default -created_at"`
}

func listUsers(c *operation.Call, in userListInput) ([]wire.AdminUser, error) {
	order, err := userOrder(in.Order)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	found, err := c.Service.Admin.UsersBy(c, admin.UserQuery{Match: in.match(c.Settings), Order: order, Offset: in.Offset, Limit: in.Limit})
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

// userCountInput takes the page and the order too: Clerk's SDK for Go asks for the count with all
// parameters of the list.
type userCountInput struct {
	userFilter
	page
	Order string `query:"order_by" doc:"as in users-list; does not change the count, nor does the page"`
}

func countUsers(c *operation.Call, in userCountInput) (TotalCount, error) {
	if _, err := userOrder(in.Order); err != nil {
		return TotalCount{}, err
	}
	if err := in.check(); err != nil {
		return TotalCount{}, err
	}
	_, total, err := c.Service.Admin.Users(c, in.match(c.Settings), 0, 0)
	return TotalCount{Object: "total_count", TotalCount: total}, err
}
