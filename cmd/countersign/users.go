package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/countersign-mfa/countersign/client"
	"github.com/countersign-mfa/countersign/cmd/internal/cli"
)

// usersCmd are a support desk's commands on users, over the Backend API.
type usersCmd struct {
	Find     findCmd   `cmd:"" help:"Find users by the beginning of a name or e-mail address, a phone number or an id."`
	Show     showCmd   `cmd:"" help:"Show a user with factors and locks."`
	ResetMFA resetCmd  `cmd:"" name:"reset-mfa" help:"Remove all second factors of a user."`
	Unlock   unlockCmd `cmd:"" help:"End a user's lock and waits after wrong codes."`
	Link     linkCmd   `cmd:"" help:"Make a link that signs a user in once."`
}

// server is how a command reaches the Backend API.
type server struct {
	cli.Server `embed:""`
	cli.JSON   `embed:""`
}

// user is what these commands print of a user.
type user struct {
	ID        string `json:"id"`
	Username  string `json:"username"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Emails    []struct {
		Address string `json:"email_address"`
	} `json:"email_addresses"`
	Phones []struct {
		Number string `json:"phone_number"`
		Factor bool   `json:"reserved_for_second_factor"`
	} `json:"phone_numbers"`
	TOTP       bool  `json:"totp_enabled"`
	Backup     bool  `json:"backup_code_enabled"`
	Banned     bool  `json:"banned"`
	Locked     bool  `json:"locked"`
	LockedFor  int64 `json:"lockout_expires_in_seconds"`
	LastSignIn int64 `json:"last_sign_in_at"`
	raw        json.RawMessage
}

func (u *user) name() string {
	names := []string{strings.TrimSpace(u.FirstName + " " + u.LastName), u.Username}
	for _, e := range u.Emails {
		names = append(names, e.Address)
	}
	return strings.Join(filled(names), ", ")
}

const noFactor = "no second factor"

func (u *user) factors() string {
	var all []string
	if u.TOTP {
		all = append(all, "authenticator app")
	}
	for _, p := range u.Phones {
		if p.Factor {
			all = append(all, p.Number)
		}
	}
	if u.Backup {
		all = append(all, "backup codes")
	}
	if len(all) == 0 {
		return noFactor
	}
	return strings.Join(all, ", ")
}

func (u *user) state() string {
	switch {
	case u.Banned:
		return "banned"
	case u.Locked:
		return fmt.Sprintf("locked for %v", time.Duration(u.LockedFor)*time.Second)
	}
	return "may sign in"
}

func filled(list []string) []string {
	var out []string
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// call sends a request. Its error is a sentence when the server does not answer.
func (s *server) call(ctx context.Context, method, path string, body, out any) error {
	address, key, err := s.Resolve()
	if err != nil {
		return err
	}
	return s.Explain(client.New(address, key.Reveal(), 1).Call(ctx, method, path, body, out))
}

// list asks for users.
func (s *server) list(ctx context.Context, query url.Values) ([]user, error) {
	var raw []json.RawMessage
	if err := s.call(ctx, http.MethodGet, "/v1/users?"+query.Encode(), nil, &raw); err != nil {
		return nil, err
	}
	users := make([]user, len(raw))
	for i := range raw {
		if err := json.Unmarshal(raw[i], &users[i]); err != nil {
			return nil, fmt.Errorf("user: %w", err)
		}
		users[i].raw = raw[i]
	}
	return users, nil
}

type findCmd struct {
	Word   string `arg:"" help:"Beginning of a word of a name or e-mail address; a phone number with + or its last four digits; or an id."`
	Limit  int    `default:"20" placeholder:"NUMBER" help:"Most users to show."`
	server `embed:""`
}

// Run prints a line per user.
func (f *findCmd) Run(ctx context.Context) error {
	users, err := f.list(ctx, url.Values{"query": {f.Word}, "limit": {fmt.Sprint(f.Limit)}})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, u := range users {
		if f.JSON.JSON {
			f.Print(u.raw, "")
			continue
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", u.ID, u.name(), u.factors(), u.state())
	}
	if len(users) == 0 {
		return fmt.Errorf("no user has a name or e-mail address with a word that begins with %q, or such a number or id", f.Word)
	}
	if err := w.Flush(); err != nil || len(users) < f.Limit {
		return err
	}
	return f.tellRest(ctx, len(users))
}

// tellRest prints how many users match, if more than are shown.
func (f *findCmd) tellRest(ctx context.Context, shown int) error {
	var all struct {
		Count int `json:"total_count"`
	}
	if err := f.call(ctx, http.MethodGet, "/v1/users/count?"+url.Values{"query": {f.Word}}.Encode(), nil, &all); err != nil {
		return err
	}
	if all.Count > shown {
		_, _ = fmt.Fprintf(f.Text(), "%d of %d, give more letters\n", shown, all.Count)
	}
	return nil
}

// one holds the argument of a command on a single user.
type one struct {
	User   string `arg:"" help:"Id, username, e-mail address, or phone number such as +12015550123."`
	server `embed:""`
}

// find returns the one user that the argument names.
func (o *one) find(ctx context.Context) (user, error) {
	by := "username"
	switch {
	case strings.HasPrefix(o.User, "user_"):
		by = "user_id"
	case strings.Contains(o.User, "@"):
		by = "email_address"
	case strings.HasPrefix(o.User, "+"):
		by = "phone_number"
	}
	users, err := o.list(ctx, url.Values{by: {o.User}})
	if err != nil {
		return user{}, err
	}
	if len(users) != 1 {
		hint := ": try users find " + o.User
		if strings.Trim(o.User, "0123456789") == "" {
			hint = ": a phone number begins with +"
		}
		return user{}, fmt.Errorf("no user has the %s %s%s", strings.ReplaceAll(by, "_", " "), o.User, hint)
	}
	return users[0], nil
}

// change sends a request about the user and prints what it did.
func (o *one) change(ctx context.Context, u user, method, path, done string) error {
	var answer json.RawMessage
	if err := o.call(ctx, method, "/v1/users/"+u.ID+path, nil, &answer); err != nil {
		return err
	}
	o.Print(answer, done+"\n", u.name())
	return nil
}

type showCmd struct {
	one `embed:""`
}

// Run prints the user.
func (s *showCmd) Run(ctx context.Context) error {
	u, err := s.find(ctx)
	if err != nil {
		return err
	}
	if s.JSON.JSON {
		s.Print(u.raw, "")
		return nil
	}
	last := "never"
	if u.LastSignIn > 0 {
		last = time.UnixMilli(u.LastSignIn).Format(time.RFC3339)
	}
	fmt.Printf("id            %s\nname          %s\nfactors       %s\nstate         %s\nlast sign-in  %s\n", u.ID, u.name(), u.factors(), u.state(), last)
	return nil
}

type resetCmd struct {
	one `embed:""`
}

// resetNothing is the JSON result for a user without factors.
type resetNothing struct {
	UserID string `json:"user_id"`
}

// Run removes the factors.
func (r *resetCmd) Run(ctx context.Context) error {
	u, err := r.find(ctx)
	if err != nil {
		return err
	}
	if u.factors() == noFactor {
		r.Print(resetNothing{u.ID}, "%s has no second factor; there is nothing to remove.\n", u.name())
		return nil
	}
	return r.change(ctx, u, http.MethodDelete, "/mfa", "%s has no second factor any more.")
}

type unlockCmd struct {
	one `embed:""`
}

// Run unlocks.
func (u *unlockCmd) Run(ctx context.Context) error {
	found, err := u.find(ctx)
	if err != nil {
		return err
	}
	return u.change(ctx, found, http.MethodPost, "/unlock", "%s may try again.")
}

type linkCmd struct {
	one     `embed:""`
	Expires time.Duration `default:"1h" placeholder:"DURATION" help:"Life of the link."`
}

// link is the JSON result.
type link struct {
	UserID string `json:"user_id"`
	URL    string `json:"url"`
}

// Run prints the link.
func (l *linkCmd) Run(ctx context.Context) error {
	u, err := l.find(ctx)
	if err != nil {
		return err
	}
	var ticket struct{ Token string }
	body := map[string]any{"user_id": u.ID, "expires_in_seconds": int(l.Expires.Seconds())}
	if err := l.call(ctx, http.MethodPost, "/v1/sign_in_tokens", body, &ticket); err != nil {
		return err
	}
	address := strings.TrimRight(l.URL, "/") + "/sign-in#ticket=" + url.QueryEscape(ticket.Token)
	l.Print(link{u.ID, address}, "%s\n", address)
	return nil
}
