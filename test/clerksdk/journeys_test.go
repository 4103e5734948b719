package clerksdk_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/emailaddress"
	"github.com/clerk/clerk-sdk-go/v2/instancesettings"
	"github.com/clerk/clerk-sdk-go/v2/jwks"
	"github.com/clerk/clerk-sdk-go/v2/phonenumber"
	"github.com/clerk/clerk-sdk-go/v2/session"
	"github.com/clerk/clerk-sdk-go/v2/signintoken"
	"github.com/clerk/clerk-sdk-go/v2/testingtoken"
	"github.com/clerk/clerk-sdk-go/v2/user"
	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/domain/authority"
)

const password = "correct horse battery"

// journey is a test with a server and the configuration of the SDK.
type journey struct {
	*server
	config *clerk.ClientConfig
}

// journeys make every call of the SDK that has a meaning here, and check the answers.
var journeys = []struct {
	name      string
	run       func(*journey)
	functions []string // of the SDK, that are no methods of a client
}{
	{"users are created, read, changed and deleted", users, nil},
	{"users are listed and counted", lists, nil},
	{"users are locked and banned", locks, nil},
	{"users lose their second factors", factors, nil},
	{"metadata is merged", metadata, nil},
	{"e-mail addresses", emails, nil},
	{"phone numbers", phones, nil},
	{"sign-in tokens", tickets, nil},
	{"sessions", sessions, nil},
	{"the SDK's HTTP middleware and jwt.Verify", middleware, []string{
		"jwt.Verify", "jwt.Decode", "http.RequireHeaderAuthorization", "http.WithHeaderAuthorization", "http.NeedsSessionReverification",
	}},
	{"testing tokens", testingTokens, nil},
	{"settings", settings, nil},
}

// must returns the answer of a call without an error.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (j *journey) same(what string, want, got any) {
	j.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		j.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// refused checks the status and the code of an error.
func (j *journey) refused(what string, err error, status int, code string) {
	j.Helper()
	var e *clerk.APIErrorResponse
	if !errors.As(err, &e) || len(e.Errors) == 0 || e.HTTPStatusCode != status || e.Errors[0].Code != code {
		j.Errorf("%s: %v, want %d %s", what, err, status, code)
	}
}

// create creates a user with a password, an e-mail address and a username of that name.
func (j *journey) create(name string) *clerk.User {
	j.Helper()
	return must[*clerk.User](j)(user.NewClient(j.config).Create(j.Context(), &user.CreateParams{
		EmailAddresses: &[]string{name + "@example.com"}, Username: &name, Password: clerk.String(password), FirstName: clerk.String("Ann"),
	}))
}

func users(j *journey) {
	ctx, c, ok := j.Context(), user.NewClient(j.config), must[*clerk.User](j)
	made := ok(c.Create(ctx, &user.CreateParams{
		EmailAddresses: &[]string{"ann@example.com"}, PhoneNumbers: &[]string{"+14155552001"}, Username: clerk.String("ann"), Password: clerk.String(password),
		FirstName: clerk.String("Ann"), LastName: clerk.String("Lee"), ExternalID: clerk.String("ext-1"), PublicMetadata: raw(`{"team":"blue"}`),
		// Accepted, and without a meaning here.
		SkipLegalChecks: clerk.Bool(true), CreateOrganizationEnabled: clerk.Bool(false),
	}))
	j.same("e-mail address", "ann@example.com", made.EmailAddresses[0].EmailAddress)
	j.same("phone number", "+14155552001", made.PhoneNumbers[0].PhoneNumber)
	j.same("password", true, made.PasswordEnabled)
	j.same("metadata", `{"team":"blue"}`, string(made.PublicMetadata))
	j.same("external id", "ext-1", *ok(c.Get(ctx, made.ID)).ExternalID)
	_, err := c.Create(ctx, &user.CreateParams{EmailAddresses: &[]string{"ann@example.com"}, Password: clerk.String(password)})
	j.refused("the same address again", err, 422, "form_identifier_exists")

	changed := ok(c.Update(ctx, made.ID, &user.UpdateParams{FirstName: clerk.String("Anna"), NotifyPrimaryEmailAddressChanged: clerk.Bool(false)}))
	j.same("first name", "Anna", *changed.FirstName)
	j.same("last name", "Lee", *changed.LastName)

	verified := must[*user.VerifyPasswordResponse](j)(c.VerifyPassword(ctx, &user.VerifyPasswordParams{UserID: made.ID, Password: password}))
	j.same("verified", true, verified.Verified)
	_, err = c.VerifyPassword(ctx, &user.VerifyPasswordParams{UserID: made.ID, Password: "not the password"})
	j.refused("a wrong password", err, 422, "form_password_incorrect")

	j.same("deleted", true, must[*clerk.DeletedResource](j)(c.Delete(ctx, made.ID)).Deleted)
	_, err = c.Get(ctx, made.ID)
	j.refused("a deleted user", err, 404, "resource_not_found")
}

func lists(j *journey) {
	ctx, c := j.Context(), user.NewClient(j.config)
	list := func(params *user.ListParams) (ids []string) {
		j.Helper()
		found := must[*clerk.UserList](j)(c.List(ctx, params))
		for _, u := range found.Users {
			ids = append(ids, u.ID)
		}
		j.same("the count of the SDK", int64(len(ids)), found.TotalCount)
		return ids
	}
	a, b := j.create("lista").ID, j.create("listb").ID
	for what, params := range map[string]*user.ListParams{
		"by address":  {EmailAddresses: []string{"lista@example.com"}},
		"by username": {Usernames: []string{"lista"}},
		"by id":       {UserIDs: []string{a}},
		"by query":    {Query: clerk.String("lista"), OrderBy: clerk.String("-created_at"), ListParams: clerk.ListParams{Limit: clerk.Int64(5)}},
	} {
		j.same(what, []string{a}, list(params))
		j.same("count "+what, int64(1), must[*user.TotalCount](j)(c.Count(ctx, params)).TotalCount)
	}
	page := must[*clerk.UserList](j)(c.List(ctx, &user.ListParams{UserIDs: []string{a, b}, ListParams: clerk.ListParams{Limit: clerk.Int64(1), Offset: clerk.Int64(1)}}))
	j.same("the second page of one of two", []int64{1, 2}, []int64{int64(len(page.Users)), page.TotalCount})
	_, err := c.List(ctx, &user.ListParams{OrganizationIDs: []string{"org_1"}})
	j.refused("a filter that does not exist here", err, 422, "form_param_unknown")
}

func locks(j *journey) {
	ctx, c, ok := j.Context(), user.NewClient(j.config), must[*clerk.User](j)
	id := j.create("locked").ID
	j.same("locked", true, ok(c.Lock(ctx, id)).Locked)
	j.same("unlocked", false, ok(c.Unlock(ctx, id)).Locked)
	j.same("banned", true, ok(c.Ban(ctx, id)).Banned)
	j.same("unbanned", false, ok(c.Unban(ctx, id)).Banned)
}

func factors(j *journey) {
	ctx, c, ok := j.Context(), user.NewClient(j.config), must[*clerk.User](j)
	made := ok(c.Create(ctx, &user.CreateParams{Username: clerk.String("factors"), Password: clerk.String(password),
		TOTPSecret: clerk.String("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"), BackupCodes: &[]string{"abcd2-efgh2"}}))
	j.same("all", []bool{true, true, true}, []bool{made.TOTPEnabled, made.BackupCodeEnabled, made.TwoFactorEnabled})
	removed := must[*user.MultifactorAuthentication](j)
	j.same("user", made.ID, removed(c.DeleteBackupCode(ctx, made.ID)).UserID)
	j.same("backup codes", false, ok(c.Get(ctx, made.ID)).BackupCodeEnabled)
	j.same("user", made.ID, removed(c.DeleteTOTP(ctx, made.ID)).UserID)
	j.same("app", false, ok(c.Get(ctx, made.ID)).TOTPEnabled)
	ok(c.Update(ctx, made.ID, &user.UpdateParams{TOTPSecret: clerk.String("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")}))
	j.same("user", made.ID, removed(c.DeleteMFA(ctx, &user.DeleteMFAParams{ID: made.ID})).UserID)
	j.same("any", false, ok(c.Get(ctx, made.ID)).TwoFactorEnabled)
}

// raw is a JSON text.
func raw(text string) *json.RawMessage {
	m := json.RawMessage(text)
	return &m
}

func metadata(j *journey) {
	ctx, c, ok := j.Context(), user.NewClient(j.config), must[*clerk.User](j)
	id := j.create("metadata").ID
	ok(c.Update(ctx, id, &user.UpdateParams{PublicMetadata: raw(`{"a":{"b":1,"c":2},"d":3}`)}))
	changed := ok(c.UpdateMetadata(ctx, id, &user.UpdateMetadataParams{PublicMetadata: raw(`{"a":{"b":null,"e":4}}`), PrivateMetadata: raw(`{"plan":"pro"}`)}))
	j.same("public", `{"a":{"c":2,"e":4},"d":3}`, string(changed.PublicMetadata))
	j.same("private", `{"plan":"pro"}`, string(changed.PrivateMetadata))
}

func emails(j *journey) {
	ctx, c, ok := j.Context(), emailaddress.NewClient(j.config), must[*clerk.EmailAddress](j)
	id := j.create("emails").ID
	made := ok(c.Create(ctx, &emailaddress.CreateParams{UserID: &id, EmailAddress: clerk.String("two@example.com")}))
	j.same("verification", (*clerk.Verification)(nil), made.Verification)
	changed := ok(c.Update(ctx, made.ID, &emailaddress.UpdateParams{Verified: clerk.Bool(true), Primary: clerk.Bool(true)}))
	j.same("status", "verified", changed.Verification.Status)
	j.same("primary", made.ID, *must[*clerk.User](j)(user.NewClient(j.config).Get(ctx, id)).PrimaryEmailAddressID)
	j.same("address", "two@example.com", ok(c.Get(ctx, made.ID)).EmailAddress)
	_, err := c.Create(ctx, &emailaddress.CreateParams{UserID: &id, EmailAddress: clerk.String("two@example.com")})
	j.refused("the same address again", err, 422, "form_identifier_exists")
	j.same("deleted", true, must[*clerk.DeletedResource](j)(c.Delete(ctx, made.ID)).Deleted)
	_, err = c.Get(ctx, made.ID)
	j.refused("a deleted address", err, 404, "resource_not_found")
}

func phones(j *journey) {
	ctx, c, ok := j.Context(), phonenumber.NewClient(j.config), must[*clerk.PhoneNumber](j)
	id := j.create("phones").ID
	made := ok(c.Create(ctx, &phonenumber.CreateParams{UserID: &id, PhoneNumber: clerk.String("+14155552002"), Verified: clerk.Bool(true), Primary: clerk.Bool(true)}))
	j.same("number", "+14155552002", ok(c.Get(ctx, made.ID)).PhoneNumber)
	j.same("reserved", true, ok(c.Update(ctx, made.ID, &phonenumber.UpdateParams{ReservedForSecondFactor: clerk.Bool(true)})).ReservedForSecondFactor)
	j.same("second factor", true, must[*clerk.User](j)(user.NewClient(j.config).Get(ctx, id)).TwoFactorEnabled)
	j.same("deleted", true, must[*clerk.DeletedResource](j)(c.Delete(ctx, made.ID)).Deleted)
}

func tickets(j *journey) {
	ctx, c := j.Context(), signintoken.NewClient(j.config)
	id := j.create("tickets").ID
	made := must[*clerk.SignInToken](j)(c.Create(ctx, &signintoken.CreateParams{UserID: &id, ExpiresInSeconds: clerk.Int64(60)}))
	j.same("status", "pending", made.Status)
	j.same("revoked", "revoked", must[*clerk.SignInToken](j)(c.Revoke(ctx, made.ID)).Status)
}

// signedIn returns a session of a new user.
func (j *journey) signedIn(name string) (who *clerk.User, d *device, id string) {
	j.Helper()
	who = j.create(name)
	ticket := must[*clerk.SignInToken](j)(signintoken.NewClient(j.config).Create(j.Context(), &signintoken.CreateParams{UserID: &who.ID}))
	d, id = j.signIn(ticket.Token)
	return who, d, id
}

func sessions(j *journey) {
	ctx, c, ok := j.Context(), session.NewClient(j.config), must[*clerk.Session](j)
	who, _, id := j.signedIn("sessions")
	list := must[*clerk.SessionList](j)
	found := list(c.List(ctx, &session.ListParams{UserID: &who.ID, Status: clerk.String("active")}))
	j.same("list", []string{id}, []string{found.Sessions[0].ID})
	j.same("count", int64(1), found.TotalCount)
	j.same("user", who.ID, ok(c.Get(ctx, id)).UserID)
	token := must[*clerk.SessionToken](j)(c.CreateToken(ctx, &session.CreateTokenParams{ID: id}))
	j.same("claims", id, j.claims(token.JWT).SessionID)
	j.same("revoked", "revoked", ok(c.Revoke(ctx, &session.RevokeParams{ID: id})).Status)
	j.same("what is left", int64(0), list(c.List(ctx, &session.ListParams{UserID: &who.ID, Status: clerk.String("active")})).TotalCount)
	made := ok(c.Create(ctx, &session.CreateParams{UserID: who.ID}))
	j.same("created", []string{who.ID, "active"}, []string{made.UserID, made.Status})
	token = must[*clerk.SessionToken](j)(c.CreateToken(ctx, &session.CreateTokenParams{ID: made.ID}))
	j.same("the proofs of a session without a sign-in", [2]int64{authority.NotProved, authority.NoFactor}, j.claims(token.JWT).FactorVerificationAge)
	keys := must[*clerk.JSONWebKeySet](j)(jwks.NewClient(j.config).Get(ctx, &jwks.GetParams{}))
	j.same("algorithm", "RS256", keys.Keys[0].Algorithm)
}

func testingTokens(j *journey) {
	made := must[*clerk.TestingToken](j)(testingtoken.NewClient(j.config).Create(j.Context()))
	j.same("a token", true, made.Token != "" && made.ExpiresAt > 0)
}

func settings(j *journey) {
	c := instancesettings.NewClient(j.config)
	for _, on := range []bool{false, true} {
		if err := c.Update(j.Context(), &instancesettings.UpdateParams{TestMode: &on}); err != nil {
			j.Fatal(err)
		}
		var read settingsOf
		j.ask("/instance", &read)
		j.same("test mode", on, read.TestMode)
	}
}

// settingsOf are the settings that a journey reads.
type settingsOf struct {
	clerk.APIResource
	TestMode bool `json:"test_mode"`
}

// ask reads a path that the SDK has no call for.
func (j *journey) ask(path string, into clerk.ResponseReader) {
	j.Helper()
	if err := clerk.NewBackend(&j.config.BackendConfig).Call(j.Context(), clerk.NewAPIRequest(http.MethodGet, path), into); err != nil {
		j.Fatal(err)
	}
}
