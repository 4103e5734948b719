package api

import (
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
)

func getClient(a *API, c *call, _ empty) (Wrapped[*Client], error) {
	s, err := a.Service.Sessions.Client(c, c.from)
	if err != nil {
		return Wrapped[*Client]{}, err
	}
	a.keep(c, s)
	return Wrapped[*Client]{Response: presentClient(s)}, nil
}

func createClient(a *API, c *call, _ empty) (Wrapped[*Client], error) {
	s, err := a.Service.Sessions.CreateClient(c, c.from)
	if err != nil {
		return Wrapped[*Client]{}, err
	}
	a.keep(c, s)
	return Wrapped[*Client]{Response: presentClient(s)}, nil
}

func endAllSessions(a *API, c *call, _ empty) (Wrapped[*Client], error) {
	s, err := a.Service.Sessions.EndAll(c, c.from)
	if err != nil {
		return Wrapped[*Client]{}, err
	}
	a.keep(c, s)
	return Wrapped[*Client]{Response: presentClient(s)}, nil
}

// DevBrowser is a development browser's id.
type DevBrowser struct {
	ID string `json:"id"`
}

func createDevBrowser(a *API, c *call, _ empty) (DevBrowser, error) {
	if a.production() { // an id in the query is no secret: a link could plant it (session fixation)
		return DevBrowser{}, apierr.New(apierr.ResourceNotFound)
	}
	token, err := a.Service.Sessions.NewDevBrowser(c, c.from)
	return DevBrowser{ID: token.Reveal()}, err
}

type signInCreateInput struct {
	Strategy   string       `body:"strategy" doc:"password, phone_code or ticket; may be left out with a password"`
	Identifier string       `body:"identifier" doc:"an e-mail address, a verified number or a username"`
	Password   secret.Value `body:"password"`
	Ticket     secret.Value `body:"ticket" doc:"a sign-in token of the Backend API"`
}

func (a *API) signIn(c *call, r *mfa.SignInResult, err error) (Wrapped[SignIn], error) {
	if err != nil {
		return Wrapped[SignIn]{}, err
	}
	return wrap(a, c, presentSignIn(r.SignIn, r.User, r.Snapshot), r.Snapshot), nil
}

func createSignIn(a *API, c *call, in signInCreateInput) (Wrapped[SignIn], error) {
	r, err := a.Service.MFA.CreateSignIn(c, c.from, mfa.SignInInput{
		Strategy: account.Strategy(in.Strategy), Identifier: in.Identifier, Password: in.Password, Ticket: in.Ticket,
	})
	return a.signIn(c, r, err)
}

type signInInput struct {
	ID string `path:"sign_in_id"`
}

func getSignIn(a *API, c *call, in signInInput) (Wrapped[SignIn], error) {
	r, err := a.Service.MFA.SignIn(c, c.from, in.ID)
	return a.signIn(c, r, err)
}

type signInPrepareInput struct {
	ID       string `path:"sign_in_id"`
	Strategy string `body:"strategy"`
	PhoneID  string `body:"phone_number_id"`
}

func prepareFirstFactor(a *API, c *call, in signInPrepareInput) (Wrapped[SignIn], error) {
	r, err := a.Service.MFA.PrepareFirstFactor(c, c.from, in.ID, account.Strategy(in.Strategy), in.PhoneID)
	return a.signIn(c, r, err)
}

func prepareSecondFactor(a *API, c *call, in signInPrepareInput) (Wrapped[SignIn], error) {
	r, err := a.Service.MFA.PrepareSecondFactor(c, c.from, in.ID, account.Strategy(in.Strategy), in.PhoneID)
	return a.signIn(c, r, err)
}

type signInFirstInput struct {
	ID       string       `path:"sign_in_id"`
	Strategy string       `body:"strategy"`
	Password secret.Value `body:"password"`
	Code     secret.Value `body:"code"`
}

func attemptFirstFactor(a *API, c *call, in signInFirstInput) (Wrapped[SignIn], error) {
	r, err := a.Service.MFA.AttemptFirstFactor(c, c.from, in.ID, mfa.Proof{Strategy: account.Strategy(in.Strategy), Password: in.Password, Code: in.Code})
	return a.signIn(c, r, err)
}

type signInSecondInput struct {
	ID       string       `path:"sign_in_id"`
	Strategy string       `body:"strategy"`
	Code     secret.Value `body:"code"`
}

func attemptSecondFactor(a *API, c *call, in signInSecondInput) (Wrapped[SignIn], error) {
	r, err := a.Service.MFA.AttemptSecondFactor(c, c.from, in.ID, mfa.Proof{Strategy: account.Strategy(in.Strategy), Code: in.Code})
	return a.signIn(c, r, err)
}

type sessionInput struct {
	ID string `path:"session_id"`
}

func (a *API) session(c *call, r *sessions.Result, err error) (Wrapped[Session], error) {
	if err != nil {
		return Wrapped[Session]{}, err
	}
	return wrap(a, c, presentSession(r.Session, r.User, r.Snapshot), r.Snapshot), nil
}

func getSession(a *API, c *call, in sessionInput) (Wrapped[Session], error) {
	r, err := a.Service.Sessions.Session(c, c.from, in.ID)
	return a.session(c, r, err)
}

func touchSession(a *API, c *call, in sessionInput) (Wrapped[Session], error) {
	r, err := a.Service.Sessions.Touch(c, c.from, in.ID)
	return a.session(c, r, err)
}

func endSession(a *API, c *call, in sessionInput) (Wrapped[Session], error) {
	r, err := a.Service.Sessions.EndSession(c, c.from, in.ID, account.SessionEnded)
	return a.session(c, r, err)
}

func removeSession(a *API, c *call, in sessionInput) (Wrapped[Session], error) {
	r, err := a.Service.Sessions.EndSession(c, c.from, in.ID, account.SessionRemoved)
	return a.session(c, r, err)
}

func createToken(a *API, c *call, in sessionInput) (Token, error) {
	token, err := a.Service.Sessions.SessionToken(c, c.from, in.ID)
	return Token{Object: "token", JWT: token.Reveal()}, err
}

type startInput struct {
	ID    string `path:"session_id"`
	Level string `body:"level" doc:"first_factor, second_factor or multi_factor"`
}

func (a *API) reverification(c *call, r *mfa.ReverificationResult, err error) (Wrapped[Reverification], error) {
	if err != nil {
		return Wrapped[Reverification]{}, err
	}
	return wrap(a, c, presentReverification(r), r.Snapshot), nil
}

func startReverification(a *API, c *call, in startInput) (Wrapped[Reverification], error) {
	r, err := a.Service.MFA.StartReverification(c, c.from, in.ID, authority.Level(in.Level))
	return a.reverification(c, r, err)
}

type reverifyPrepareInput struct {
	ID       string `path:"session_id"`
	Strategy string `body:"strategy"`
	PhoneID  string `body:"phone_number_id"`
}

func prepareReverification(second bool) handler[reverifyPrepareInput, Wrapped[Reverification]] {
	return func(a *API, c *call, in reverifyPrepareInput) (Wrapped[Reverification], error) {
		r, err := a.Service.MFA.PrepareReverification(c, c.from, in.ID, second, account.Strategy(in.Strategy), in.PhoneID)
		return a.reverification(c, r, err)
	}
}

type reverifyAttemptInput struct {
	ID       string       `path:"session_id"`
	Strategy string       `body:"strategy"`
	Password secret.Value `body:"password"`
	Code     secret.Value `body:"code"`
	Ticket   secret.Value `body:"ticket" doc:"a sign-in token of the same user, at most ten minutes old"`
}

func reproveFirst(a *API, c *call, in reverifyAttemptInput) (Wrapped[Reverification], error) {
	g := mfa.Proof{Strategy: account.Strategy(in.Strategy), Password: in.Password, Code: in.Code, Ticket: in.Ticket}
	r, err := a.Service.MFA.AttemptReverification(c, c.from, in.ID, false, g)
	return a.reverification(c, r, err)
}

type reverifySecondInput struct {
	ID       string       `path:"session_id"`
	Strategy string       `body:"strategy"`
	Code     secret.Value `body:"code"`
}

func reproveSecond(a *API, c *call, in reverifySecondInput) (Wrapped[Reverification], error) {
	g := mfa.Proof{Strategy: account.Strategy(in.Strategy), Code: in.Code}
	r, err := a.Service.MFA.AttemptReverification(c, c.from, in.ID, true, g)
	return a.reverification(c, r, err)
}

func getMe(a *API, c *call, _ empty) (Wrapped[User], error) {
	r, err := a.Service.MFA.Me(c, c.from)
	if err != nil {
		return Wrapped[User]{}, err
	}
	return wrap(a, c, presentUser(r.User, r.Snapshot.Now), r.Snapshot), nil
}

func listOwnSessions(a *API, c *call, _ empty) ([]SessionActivity, error) {
	found, err := a.Service.Sessions.OwnSessions(c, c.from)
	out := []SessionActivity{}
	for _, r := range found {
		out = append(out, presentActivity(r))
	}
	return out, err
}

func revokeOwnSession(a *API, c *call, in sessionInput) (Wrapped[Session], error) {
	r, err := a.Service.Sessions.RevokeOwn(c, c.from, in.ID)
	return a.session(c, r, err)
}

func listPhones(a *API, c *call, _ empty) ([]PhoneNumber, error) {
	r, err := a.Service.MFA.Me(c, c.from)
	if err != nil {
		return nil, err
	}
	return presentUser(r.User, r.Snapshot.Now).PhoneNumbers, nil
}

func (a *API) phone(c *call, r *mfa.PhoneResult, err error) (Wrapped[PhoneNumber], error) {
	if err != nil {
		return Wrapped[PhoneNumber]{}, err
	}
	return wrap(a, c, presentPhone(r.Phone, r.BackupCodes, r.Snapshot.Now), r.Snapshot), nil
}

type phoneCreateInput struct {
	Number   string `body:"phone_number" doc:"E.164"`
	Reserved bool   `body:"reserved_for_second_factor"`
}

func createPhone(a *API, c *call, in phoneCreateInput) (Wrapped[PhoneNumber], error) {
	r, err := a.Service.MFA.AddPhone(c, c.from, in.Number, in.Reserved)
	return a.phone(c, r, err)
}

type phoneInput struct {
	ID string `path:"phone_number_id"`
}

func getPhone(a *API, c *call, in phoneInput) (Wrapped[PhoneNumber], error) {
	r, err := a.Service.MFA.Phone(c, c.from, in.ID)
	return a.phone(c, r, err)
}

type phonePrepareInput struct {
	ID       string `path:"phone_number_id"`
	Strategy string `body:"strategy"`
}

func preparePhone(a *API, c *call, in phonePrepareInput) (Wrapped[PhoneNumber], error) {
	r, err := a.Service.MFA.PreparePhone(c, c.from, in.ID, account.Strategy(in.Strategy))
	return a.phone(c, r, err)
}

type phoneAttemptInput struct {
	ID   string       `path:"phone_number_id"`
	Code secret.Value `body:"code"`
}

func attemptPhone(a *API, c *call, in phoneAttemptInput) (Wrapped[PhoneNumber], error) {
	r, err := a.Service.MFA.AttemptPhone(c, c.from, in.ID, mfa.Proof{Code: in.Code})
	return a.phone(c, r, err)
}

type phoneUpdateInput struct {
	ID       string `path:"phone_number_id"`
	Reserved *bool  `body:"reserved_for_second_factor"`
	Default  *bool  `body:"default_second_factor"`
}

func updatePhone(a *API, c *call, in phoneUpdateInput) (Wrapped[PhoneNumber], error) {
	makeDefault := in.Default != nil && *in.Default
	switch {
	case in.Reserved != nil && !*in.Reserved && makeDefault:
		return Wrapped[PhoneNumber]{}, apierr.New(apierr.FormParamValueInvalid).Param("default_second_factor")
	case in.Reserved != nil && *in.Reserved && (in.Default == nil || makeDefault):
		r, err := a.Service.MFA.ReservePhone(c, c.from, in.ID, makeDefault)
		return a.phone(c, r, err)
	case in.Reserved != nil && !*in.Reserved:
		r, err := a.Service.MFA.ReleasePhone(c, c.from, in.ID)
		return a.phone(c, r, err)
	case in.Default != nil:
		r, err := a.Service.MFA.MakeDefaultPhone(c, c.from, in.ID, *in.Default)
		return a.phone(c, r, err)
	}
	r, err := a.Service.MFA.Phone(c, c.from, in.ID)
	return a.phone(c, r, err)
}

func deletePhone(a *API, c *call, in phoneInput) (Wrapped[DeletedObject], error) {
	r, err := a.Service.MFA.DeletePhone(c, c.from, in.ID)
	if err != nil {
		return Wrapped[DeletedObject]{}, err
	}
	return wrap(a, c, DeletedObject{Object: "phone_number", ID: in.ID, Deleted: true}, r.Snapshot), nil
}

func presentTOTP(r *mfa.TOTPResult) TOTP {
	return TOTP{
		Object: "totp", ID: r.TOTP.WireID(), Secret: nullable(r.Secret.Reveal()), URI: nullable(r.URI.Reveal()), Verified: r.TOTP.Verified != 0,
		BackupCodes: r.BackupCodes, CreatedAt: int64(r.TOTP.CreatedAt), UpdatedAt: int64(r.TOTP.UpdatedAt()),
	}
}

func createTOTP(a *API, c *call, _ empty) (Wrapped[TOTP], error) {
	r, err := a.Service.MFA.CreateTOTP(c, c.from)
	if err != nil {
		return Wrapped[TOTP]{}, err
	}
	return wrap(a, c, presentTOTP(r), r.Snapshot), nil
}

type codeInput struct {
	Code secret.Value `body:"code"`
}

func attemptTOTP(a *API, c *call, in codeInput) (Wrapped[TOTP], error) {
	r, err := a.Service.MFA.ConfirmTOTP(c, c.from, in.Code)
	if err != nil {
		return Wrapped[TOTP]{}, err
	}
	return wrap(a, c, presentTOTP(r), r.Snapshot), nil
}

func deleteTOTP(a *API, c *call, _ empty) (Wrapped[DeletedObject], error) {
	r, err := a.Service.MFA.DeleteTOTP(c, c.from)
	if err != nil {
		return Wrapped[DeletedObject]{}, err
	}
	return wrap(a, c, DeletedObject{Object: "totp", ID: r.TOTP.WireID(), Deleted: true}, r.Snapshot), nil
}

func createBackupCodes(a *API, c *call, _ empty) (Wrapped[BackupCodes], error) {
	r, err := a.Service.MFA.CreateBackupCodes(c, c.from)
	if err != nil {
		return Wrapped[BackupCodes]{}, err
	}
	out := BackupCodes{Object: "backup_code", ID: mfa.WireID(r.Set), Codes: r.Codes, CreatedAt: int64(r.Set.CreatedAt), UpdatedAt: int64(r.Set.CreatedAt)}
	return wrap(a, c, out, r.Snapshot), nil
}
