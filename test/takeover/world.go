package takeover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/test/browser"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

const (
	serverKey  = "sk_test_of_the_team"
	revokedKey = "sk_test_that_was_revoked"
	publicURL  = "http://localhost"
)

var began = mfatest.Began

// A world is the API as two functions over one store, with a simulated clock. The clock of the
// second function may be behind.
type world struct {
	ctx       context.Context
	functions [2]http.Handler
	services  [2]*domain.Service
	at        time.Time
	behind    time.Duration // how far the second function's clock is behind
	late      bool          // the second function handles the current request
	addresses uint32
	people    []*person
	user      string
	spent     []string // TOTP codes that were used
	lastUsed  string   // the owner's last code
	// lastAnswer is the last answer of the owner's passkey.
	lastAnswer string
	failure    error
}

// newWorld creates the API, without a user.
func newWorld(ctx context.Context, seed uint64) (*world, error) {
	s := store.NewMemory()
	w := &world{ctx: ctx, at: began}
	for i := range w.functions {
		service, err := domain.New(mfatest.Config(domain.Config{
			Store: s, Sender: w, Numbers: mfatest.Mobile, Now: w.now, Rand: mfatest.Random(seed + uint64(i)<<32), Issuer: publicURL, SMSHost: "localhost",
		}))
		if err != nil {
			return nil, err
		}
		w.services[i] = service
		// Only the first service creates a key.
		if err := service.Tokens.RotateSigningKey(ctx, sessiontoken.KeyLife); err != nil {
			return nil, fmt.Errorf("signing key: %w", err)
		}
		w.functions[i], err = api.New(api.Config{
			Instance: operation.Instance{Service: service, PublicURL: publicURL, PublishableKey: "pk_test_x", AppName: "Example"},
			Accepts:  api.OneKey(secret.New(serverKey)), Address: w.address, Log: slog.New(slog.DiscardHandler),
		}, api.Operations()...)
		if err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (w *world) now() time.Time {
	if w.late {
		return w.at.Add(-w.behind)
	}
	return w.at
}

// address returns a new address for every request, as a thief with many addresses has.
func (w *world) address(*http.Request) netip.Addr {
	w.addresses++
	return netip.AddrFrom4([4]byte{10, byte(w.addresses >> 16), byte(w.addresses >> 8), byte(w.addresses)})
}

// Send implements [tx.Sender]. It delivers a code to the actor that holds the number.
func (w *world) Send(_ context.Context, m tx.Message) error {
	code := mfatest.CodeIn(m)
	if code == "" { // a notification without a code
		return nil
	}
	for _, p := range w.people {
		if p.holds(m.To.E164()) {
			p.know.Codes = append(p.know.Codes, received{m.To.E164(), code})
		}
	}
	return nil
}

// function returns the handler of the next request, and selects its clock.
func (w *world) function(behind bool) http.Handler {
	w.late = behind
	if behind {
		return w.functions[1]
	}
	return w.functions[0]
}

// team calls the Backend API with the application's secret key, through the function with the
// correct clock.
func (w *world) team(method, path string, body map[string]any) browser.Answer {
	a, err := browser.Server(w.ctx, w.function(false), serverKey, method, path, body)
	if err == nil && a.Status >= http.StatusInternalServerError {
		err = fmt.Errorf("%s %s answers %d", method, path, a.Status)
	}
	w.failure = errors.Join(w.failure, err)
	return a
}

// A view is the user as the application's server sees it.
type view struct {
	User struct {
		Username string   `json:"username"`
		Numbers  []number `json:"phone_numbers"`
		Banned   bool     `json:"banned"`
		// Recovery is a request that waits.
		Recovery *struct{} `json:"recovery"`
	} `json:"user"`
	App *struct {
		ID       string `json:"id"`
		Verified *int64 `json:"verified_at"`
	} `json:"authenticator_app"`
	Backup *struct {
		ID string `json:"id"`
	} `json:"backup_codes"`
	Passkeys []passkey `json:"passkeys"`
}

// passkey is a passkey of the user.
type passkey struct {
	ID         string `json:"id"`
	Credential []byte `json:"credential_id"`
}

// number is a phone number of the user.
type number struct {
	ID           string `json:"id"`
	Number       string `json:"phone_number"`
	Reserved     bool   `json:"reserved_for_second_factor"`
	Default      bool   `json:"default_second_factor"`
	Verification *struct {
		Status string `json:"status"`
	} `json:"verification"`
}

func (n number) verified() bool { return n.Verification != nil && n.Verification.Status == "verified" }
func (n number) second() bool   { return n.verified() && n.Reserved }
func (n number) first() bool    { return n.verified() && !n.Reserved }

func (v *view) app() bool { return v.App != nil && v.App.Verified != nil }

// second says whether the user has a second factor.
func (v *view) second() bool {
	for _, n := range v.User.Numbers {
		if n.second() {
			return true
		}
	}
	return v.app()
}

// factors returns a text that changes whenever a factor is added, removed or changed. A number that
// is not reserved is a factor where text messages are a first factor.
func (v *view) factors(texts bool) string {
	text := ""
	if v.app() {
		text += "the app " + v.App.ID + "; "
	}
	for _, n := range v.User.Numbers {
		if n.second() || texts && n.first() {
			text += fmt.Sprintf("the number %s (reserved %v, default %v); ", n.Number, n.Reserved, n.Default)
		}
	}
	for _, k := range v.Passkeys {
		text += "the passkey " + k.ID + "; "
	}
	if v.Backup != nil {
		text += "the backup codes " + v.Backup.ID
	}
	return text
}

func (w *world) look() view {
	var v view
	a := w.team(http.MethodGet, "/v1/users/"+w.user+"/export", nil)
	if err := json.Unmarshal(a.Body, &v); err != nil {
		w.failure = errors.Join(w.failure, fmt.Errorf("the export: %w", err))
	}
	return v
}

// listed returns the ids of the sessions that the Backend API lists.
func (w *world) listed() map[string]bool {
	found := map[string]bool{}
	const page = 200
	for offset := 0; ; offset += page {
		a := w.team(http.MethodGet, fmt.Sprintf("/v1/sessions?user_id=%s&limit=%d&offset=%d", w.user, page, offset), nil)
		if a.Status == http.StatusNotFound { // the user was deleted
			return found
		}
		var list []struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(a.Body, &list); err != nil {
			w.failure = errors.Join(w.failure, fmt.Errorf("the list of sessions: %w", err))
			return found
		}
		for _, s := range list {
			found[s.ID] = true
		}
		if len(list) < page {
			return found
		}
	}
}
