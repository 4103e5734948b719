package bruteforce

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/test/browser"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

const (
	secretKey    = "sk_test_of_a_simulation"
	username     = "owner"
	passwordText = "correct horse battery"
)

// world is the real API over a store in memory, with one user and a clock that the simulation sets.
type world struct {
	ctx         context.Context
	handler     http.Handler
	at          time.Time
	chance      *rand.Rand
	user        string
	key         secret.Value // the TOTP secret of the owner's app
	ownerFactor ownerFactor
	outbox      mfatest.Outbox // of text messages to the owner
	owner       *visitor
	prepared    string // the sign-in for which a text message was sent
	failure     error  // the last answer that no simulation may get
}

// address returns a new address for every request, so that no limit per address applies.
func (w *world) address(*http.Request) netip.Addr {
	n := w.chance.Uint32()
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

func newWorld(ctx context.Context, policy Policy, owner ownerFactor, seed uint64) (*world, error) {
	w := &world{ctx: ctx, ownerFactor: owner, at: mfatest.Began, chance: rand.New(rand.NewPCG(seed, 1))} //nolint:gosec // a seed repeats a run
	source := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 1})
	service, err := domain.New(mfatest.Config(domain.Config{
		Sender: &w.outbox, Now: func() time.Time { return w.at }, Rand: source, Issuer: "http://localhost", AppName: "Simulation", SMSHost: "localhost",
	}))
	if err != nil {
		return nil, err
	}
	if _, err := service.Settings.Change(ctx, func(s *account.Settings) { s.StrictGuessing = policy == StrictPolicy }); err != nil {
		return nil, err
	}
	if err := service.Tokens.RotateSigningKey(ctx, 0); err != nil {
		return nil, err
	}
	w.handler, err = api.New(api.Config{
		Instance: operation.Instance{Service: service, PublicURL: "http://localhost", PublishableKey: "pk_test_x", AppName: "Simulation"},
		Accepts:  api.OneKey(secret.New(secretKey)), Address: w.address, Log: slog.New(slog.DiscardHandler),
	}, api.Operations()...)
	if err != nil {
		return nil, err
	}
	return w, w.createUser(source)
}

// createUser creates the user with every factor, and signs the owner in on a browser.
func (w *world) createUser(source *rand.ChaCha8) error {
	var err error
	if w.key, err = totp.Generate(source); err != nil {
		return err
	}
	w.user = w.backend("/v1/users", map[string]any{
		"username": username, "password": passwordText, "totp_secret": w.key.Reveal(), "backup_codes": []string{"abcde-fgh01", "abcde-fgh02", "abcde-fgh03"},
	}).Text("id")
	number := w.backend("/v1/phone_numbers", map[string]any{
		"user_id": w.user, "phone_number": "+12125550123", "verified": true, "reserved_for_second_factor": true,
	})
	if w.user == "" || number.Status != http.StatusOK {
		return fmt.Errorf("create the user of the simulation: %d %s", number.Status, number.Code())
	}
	w.owner = &visitor{world: w}
	return w.signIn(w.owner)
}

// signIn signs the owner in: the password, then the owner's second factor.
func (w *world) signIn(b *visitor) error {
	got := b.call(http.MethodPost, "/v1/client/sign_ins", "strategy", "password", "identifier", username, "password", passwordText)
	if got.Status != http.StatusOK {
		return fmt.Errorf("password: %s", got.Code())
	}
	w.at = w.at.Add(totp.Period) // the code of the last period may be used already
	code, err := totp.Code(w.key, w.at)
	if err != nil {
		return err
	}
	by, at := "totp", "/v1/client/sign_ins/"+got.Text("response.id")
	if w.ownerFactor == ownerUsesSMS {
		if got = b.call(http.MethodPost, at+"/prepare_second_factor", "strategy", "phone_code"); got.Status != http.StatusOK {
			return fmt.Errorf("message: %s", got.Code())
		}
		by, code = "phone_code", w.outbox.Code()
	}
	got = b.call(http.MethodPost, at+"/attempt_second_factor", "strategy", by, "code", code)
	if b.session = got.Text("response.created_session_id"); b.session == "" {
		return fmt.Errorf("code: %s", got.Code())
	}
	return nil
}

func (w *world) ownerSignsIn() error {
	w.owner.end()
	return w.signIn(w.owner)
}

func (w *world) unlock() error {
	if got := w.backend("/v1/users/"+w.user+"/unlock", nil); got.Status != http.StatusOK {
		return fmt.Errorf("unlock: %s", got.Code())
	}
	return nil
}

// visitor is a browser at the simulated API.
type visitor struct {
	*world
	browser.Browser
	session string
}

func (b *visitor) end() { b.call(http.MethodDelete, "/v1/client/sessions"); b.session = "" }

func (b *visitor) call(method, path string, form ...string) answer {
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Add(form[i], form[i+1])
	}
	a, err := b.Call(b.ctx, b.handler, method, path, values)
	return b.check(method, path, a, err)
}

// backend posts JSON to the Backend API.
func (w *world) backend(path string, body map[string]any) answer {
	a, err := browser.Server(w.ctx, w.handler, secretKey, http.MethodPost, path, body)
	return w.check(http.MethodPost, path, a, err)
}

// check keeps an error or a server error as the failure of the simulation.
func (w *world) check(method, path string, a browser.Answer, err error) answer {
	if err != nil {
		w.failure = err
	}
	if a.Status >= http.StatusInternalServerError {
		w.failure = fmt.Errorf("%s %s answers %d", method, path, a.Status)
	}
	return answer{a, a.Retry()}
}
