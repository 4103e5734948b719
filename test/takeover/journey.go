package takeover

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/test/browser"
)

// Step is one action of one actor. Its arguments are drawn from the actor's knowledge at that time,
// so a journey with steps left out is a journey too.
type Step struct {
	By     role
	Action string // the name of an operation, or one of the actions below
	Tab    int
	Behind bool // the request goes to the function whose clock is behind
	Times  int  // how often; 0 means once
	Wait   time.Duration
	Choice uint64 // the seed of the arguments
}

// Actions that are not operations.
const (
	waitAction       = "*waits"
	copyCookie       = "*copies a cookie"
	plantCookie      = "*plants a cookie"
	seeUsedCode      = "*sees a used code"
	openManySessions = "*signs in on 101 browsers"
	manySessions     = 101
)

// operations are the rows of [api.Operations] by name.
var operations = func() map[string]*operation.Operation {
	all := map[string]*operation.Operation{}
	for _, op := range api.Operations() {
		all[op.Name] = &op
	}
	return all
}()

// journey is a world in which steps are performed.
type journey struct {
	*world
	profile Profile
	oracle  *oracle
	made    []Step // steps that had an effect
	story   *story
	refused bool // the last code was compared and was incorrect
}

const (
	ownersNumber  = "+12125550101"
	ownersOther   = "+12125550102"
	thiefsNumber  = "+12125550111"
	username      = "owner"
	otherUsername = "the-owner"
	firstPassword = "correct horse battery"
)

// begin creates the world of a journey, with its user and its actors.
func begin(ctx context.Context, p Profile, seed uint64) (*journey, error) {
	w, err := newWorld(ctx, seed)
	if err != nil {
		return nil, err
	}
	chance := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // a seed repeats a journey
	w.behind = time.Duration(chance.IntN(25)) * time.Second
	j := &journey{world: w, profile: p, oracle: newOracle(w), story: newStory()}
	for r := range clock {
		w.people = append(w.people, newPerson(r))
	}
	o, t := w.people[owner], w.people[thief]
	o.know.Identifiers, o.know.Passwords, o.know.Numbers = []string{username}, []string{firstPassword}, []string{ownersNumber, ownersOther}
	w.people[admin].know.Key = serverKey
	if !p.Guest {
		t.know.Identifiers, t.know.Passwords = []string{username}, []string{firstPassword}
	}
	if p.Both {
		w.people[cookieThief].know.Identifiers, w.people[cookieThief].know.Passwords = []string{username}, []string{firstPassword}
	}
	if p.Recovers { // a username is no secret
		w.people[cookieThief].know.Identifiers = []string{username}
	}
	if p.Thief == OwnNumber {
		t.know.Numbers = []string{thiefsNumber}
	}
	if p.Thief == RevokedKey {
		t.know.Key = revokedKey
	}
	if err := j.setUp(chance); err != nil {
		return nil, err
	}
	return j, w.failure
}

// setUp draws the settings and creates the user.
func (j *journey) setUp(chance *rand.Rand) error {
	set := map[string]any{
		"mfa_required": chance.IntN(4) == 0 || j.profile.Required, "first_factor_phone_code": chance.IntN(3) == 0 || j.profile.Texts,
		"keep_other_sessions": chance.IntN(3) == 0 || j.profile.Keep, "sms_code": true, "authenticator_app": true, "backup_codes": true, "ip_limits": true, "delete_self": chance.IntN(3) == 0, "notify_by_text": false,
	}
	if j.profile.Keys {
		set["passkeys"], set["passkey_second_factor"], set["passkey_satisfies_second_factor"] = true, true, chance.IntN(2) == 0
	}
	for name, on := range set {
		j.oracle.settings[name] = on.(bool)
		j.oracle.changed[name] = began.Add(-time.Hour)
	}
	if j.profile.Remember {
		set[rememberDays], j.oracle.devices.on = rememberedDays, true
	}
	set["reauth_url"] = "https://app.example.com/login" // so that a password may be removed
	set["recovery_days"] = recoveryDays
	j.at = began.Add(-time.Hour) // before the clock of every function
	if a := j.team(http.MethodPatch, "/v1/instance", set); !a.OK() {
		return fmt.Errorf("settings: %d %s", a.Status, a.Body)
	}
	j.at = began
	user := map[string]any{"username": username, "password": firstPassword}
	enrolled := chance.IntN(3) == 0 && !j.profile.Bare || j.profile.Enrolled
	if enrolled && chance.IntN(2) == 0 {
		user["phone_number"], user["phone_number_identification_status"] = []string{ownersNumber}, []string{"reserved"}
	} else if enrolled {
		key, err := totp.Generate(rand.NewChaCha8([32]byte{byte(chance.Uint32()), byte(chance.Uint32())}))
		if err != nil {
			return err
		}
		user["totp_secret"] = key.Reveal()
		j.people[owner].know.Secrets, j.oracle.app = []shown{{key.Reveal(), ""}}, key.Reveal()
	}
	if j.profile.Recycled {
		user["phone_number"], user["phone_number_identification_status"] = []string{thiefsNumber}, []string{"verified"}
	}
	a := j.team(http.MethodPost, "/v1/users", user)
	if j.user = a.Text("id"); j.user == "" {
		return fmt.Errorf("user: %d %s", a.Status, a.Body)
	}
	j.oracle.before = j.look()
	return nil
}

// perform performs a step and returns the goals that it reaches.
func (j *journey) perform(s Step) []Hit {
	did := false
	var hits []Hit
	for n := range max(1, s.Times) {
		j.refused = false
		done, found := j.performOnce(s, uint64(n))
		did, hits = did || done, only(found, j.profile.Goals)
		if len(hits) > 0 || !j.refused {
			break
		}
	}
	if did {
		j.made = append(j.made, s)
	}
	return hits
}

// performOnce performs a step one time. It returns false when there was nothing to do.
func (j *journey) performOnce(s Step, n uint64) (bool, []Hit) {
	if s.Action == waitAction {
		j.at = j.at.Add(s.Wait)
		j.story.wait(s.Wait)
		return true, nil
	}
	if s.Action == dayPasses {
		return true, j.day()
	}
	p := j.people[s.By]
	chance := rand.New(rand.NewPCG(s.Choice, n)) //nolint:gosec // a seed repeats a journey
	t := p.tabs[s.Tab%len(p.tabs)]
	switch s.Action {
	case copyCookie:
		return j.copyCookie(p, s.Tab), nil
	case plantCookie:
		return j.plantCookie(p, t, s.Tab), nil
	case seeUsedCode:
		return j.seeUsedCode(p), nil
	case openManySessions:
		return j.openManySessions(p)
	}
	if s.By == admin {
		return j.administer(s, chance)
	}
	if t.copied && (j.oracle.recentlyProved(t.session) || t.session == "" && !j.profile.Remember) {
		return false, nil // the cookie thief has stale cookies only: it waits until this one is stale
	}
	op := operations[s.Action]
	if op.Surface == operation.Backend {
		return j.withKey(p, op)
	}
	d := &draw{request: &request{op: op, given: map[string]string{}}, w: j.world, by: p, tab: t, chance: chance}
	j.late = s.Behind
	if !d.all() {
		return false, nil
	}
	return true, j.send(p, t, d.request, s)
}

// send sends a request of the Frontend API. The actor and the oracle learn from the answer.
func (j *journey) send(p *person, t *tab, r *request, s Step) []Hit {
	path, form, query := r.op.Path, url.Values{}, url.Values{}
	for name, value := range r.given {
		switch {
		case strings.Contains(path, "{"+name+"}"):
			path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
		case r.op.Method == http.MethodGet:
			query.Set(name, value)
		default:
			form.Set(name, value)
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	a, err := t.Call(j.ctx, j.function(s.Behind), r.op.Method, path, form)
	j.late = false
	j.failure = errors.Join(j.failure, err)
	said := p.learn(t, a, j.at)
	t.note(r, a, said)
	j.noteUsedCode(p, r, a)
	j.noteOwnChange(p, r, a)
	if a.Status < http.StatusBadRequest && j.profile.Granted != nil {
		j.profile.Granted(r.op.Name)
	}
	j.refused = a.Is(apierr.FormCodeIncorrect)
	j.story.request(p, s, r, a, said)
	return j.oracle.check(p, t, r, a, said)
}

// note records the sign-in and session that the browser is in.
func (t *tab) note(r *request, a browser.Answer, said facts) {
	if strings.HasPrefix(r.op.Name, "sign-in-") && a.OK() && len(said.signIns) > 0 {
		si := said.signIns[len(said.signIns)-1]
		t.signIn, t.status = si.id, si.status
		if si.session != "" {
			t.session, t.signIn, t.status = si.session, "", ""
		}
	}
	switch r.op.Name {
	case "session-end", "session-remove", "client-delete", "client-sessions-delete":
		if a.OK() {
			t.session = ""
		}
	}
	if a.Status == http.StatusUnauthorized && r.op.Name != "sign-in-create" {
		t.session = ""
	}
	if len(said.tokens) > 0 && t.session == "" {
		t.session = said.tokens[0].Session
	}
}

// noteUsedCode records the owner's last code, which a thief may have seen.
func (j *journey) noteUsedCode(p *person, r *request, a browser.Answer) {
	if !p.steals() && a.OK() && r.given["code"] != "" {
		j.lastUsed = r.given["code"]
	}
	if !p.steals() && a.OK() && r.given["public_key_credential"] != "" {
		j.lastAnswer = r.given["public_key_credential"]
	}
}

// noteOwnChange records a password that the actor set, and a username, which is no secret.
func (j *journey) noteOwnChange(p *person, r *request, a browser.Answer) {
	if !a.OK() {
		return
	}
	if pw := r.given["new_password"]; pw != "" {
		p.know.Passwords = append(p.know.Passwords, pw)
	}
	if name := r.given["username"]; name != "" {
		for _, x := range j.people {
			if len(x.know.Identifiers) > 0 {
				x.know.Identifiers = []string{name}
			}
		}
	}
}

// copyCookie copies a cookie of the owner's to the cookie thief.
func (j *journey) copyCookie(p *person, which int) bool {
	from := j.people[owner].tabs[which%tabsEach]
	if from.session == "" && (!j.profile.Remember || from.Cookie == "") {
		return false
	}
	p.tabs[0].Browser, p.tabs[0].session, p.tabs[0].copied = from.Browser, from.session, true
	j.oracle.copied[from.session] = true
	j.story.add(p, "copies the cookie of the owner's browser %d", which%tabsEach+1)
	return true
}

// plantCookie sets the cookie of a thief's browser in a browser of the owner's that is not signed
// in, as a sibling domain can.
func (j *journey) plantCookie(p *person, t *tab, which int) bool {
	to := j.people[owner].tabs[which%tabsEach]
	if t.copied || t.Cookie == "" || to.session != "" {
		return false
	}
	to.Cookie = t.Cookie
	j.story.add(p, "plants the cookie of its browser %d in the owner's browser %d", which%tabsEach+1, which%tabsEach+1)
	return true
}

// seeUsedCode adds the owner's last code to a thief's knowledge.
func (j *journey) seeUsedCode(p *person) bool {
	if j.lastUsed == "" && j.lastAnswer == "" {
		return false
	}
	if j.lastUsed != "" {
		p.know.Used = append(p.know.Used, j.lastUsed)
	}
	if j.lastAnswer != "" {
		p.know.Answers = append(p.know.Answers, j.lastAnswer)
	}
	j.story.add(p, "sees the code and the answer of a passkey that the owner used last")
	return true
}

// openManySessions signs an actor in on more browsers than a user may have sessions. The actor
// keeps none of the sessions.
func (j *journey) openManySessions(p *person) (bool, []Hit) {
	if len(p.know.Passwords) == 0 {
		return false, nil
	}
	form := url.Values{"strategy": {"password"}, "identifier": {username}, "password": p.know.Passwords[len(p.know.Passwords)-1:]}
	for n := range manySessions {
		a, err := (&browser.Browser{}).Call(j.ctx, j.function(false), http.MethodPost, "/v1/client/sign_ins", form)
		j.failure = errors.Join(j.failure, err)
		if a.Text("response.status") != "complete" {
			return n > 0, nil
		}
		j.at = j.at.Add(time.Second)
	}
	j.story.add(p, "signs in with the password on %d browsers", manySessions)
	return true, nil
}

// withKey calls an operation of the Backend API with a thief's key. Any arguments will do: the
// answer must be 401.
func (j *journey) withKey(p *person, op *operation.Operation) (bool, []Hit) {
	if p.know.Key == "" {
		return false, nil
	}
	path := strings.NewReplacer("{user_id}", j.user).Replace(op.Path)
	if i := strings.Index(path, "{"); i > 0 {
		path = path[:i] + "idn_x" + path[strings.Index(path, "}")+1:]
	}
	a, err := browser.Server(j.ctx, j.function(false), p.know.Key, op.Method, path, nil)
	j.failure = errors.Join(j.failure, err)
	r := &request{op: op}
	j.story.request(p, Step{}, r, a, facts{})
	if a.Status != http.StatusUnauthorized {
		return true, []Hit{{Key, fmt.Sprintf("%s answers %d", op.Name, a.Status)}}
	}
	return true, nil
}
