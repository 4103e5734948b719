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

// Step is one thing that one actor does. Its arguments are drawn from what the actor knows when the
// step is made, so that a journey from which steps were left out is a journey too.
type Step struct {
	By     role
	Deed   string // the name of an operation, or one of the deeds below
	Tab    int
	Behind bool // the function whose clock is behind answers
	Times  int  // how often, at once; 0 is once
	Wait   time.Duration
	Choice uint64 // decides what is drawn
}

// The deeds that are no request of an operation.
const (
	wait      = "*waits"
	copies    = "*copies a cookie"
	plants    = "*plants a cookie"
	peeks     = "*sees a used code"
	crowds    = "*signs in on 101 browsers"
	crowdSize = 101
)

// operations are the rows of the table by name.
var operations = func() map[string]*operation.Operation {
	all := map[string]*operation.Operation{}
	for _, op := range api.Operations() {
		all[op.Name] = &op
	}
	return all
}()

// journey is a world that steps are made in.
type journey struct {
	*world
	profile Profile
	oracle  *oracle
	made    []Step // that did something
	story   *story
	refused bool // the last code was compared and was wrong
}

const (
	ownersNumber  = "+12125550101"
	ownersOther   = "+12125550102"
	thiefsNumber  = "+12125550111"
	username      = "owner"
	firstPassword = "correct horse battery"
)

// begin makes the world of a journey, with its user and its actors.
func begin(ctx context.Context, p Profile, seed uint64) (*journey, error) {
	w, err := newWorld(ctx, seed)
	if err != nil {
		return nil, err
	}
	chance := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // a seed repeats a journey
	w.behind = time.Duration(chance.IntN(25)) * time.Second
	j := &journey{world: w, profile: p, oracle: newOracle(w), story: newStory()}
	for r := range nature {
		w.people = append(w.people, newPerson(r))
	}
	o, t := w.people[owner], w.people[thief]
	o.know.Identifiers, o.know.Passwords, o.know.Numbers = []string{username}, []string{firstPassword}, []string{ownersNumber, ownersOther}
	w.people[admin].know.Key = serverKey
	if !p.Guest {
		t.know.Identifiers, t.know.Passwords = []string{username}, []string{firstPassword}
	}
	if p.Both {
		w.people[taker].know.Identifiers, w.people[taker].know.Passwords = []string{username}, []string{firstPassword}
	}
	if p.Thief == OwnNumber {
		t.know.Numbers = []string{thiefsNumber}
	}
	if p.Thief == RevokedKey {
		t.know.Key = revokedKey
	}
	if err := j.settle(chance); err != nil {
		return nil, err
	}
	return j, w.failure
}

// settle makes the settings and the user.
func (j *journey) settle(chance *rand.Rand) error {
	set := map[string]any{
		"mfa_required": chance.IntN(4) == 0 || j.profile.Required, "first_factor_phone_code": chance.IntN(3) == 0 || j.profile.Texts,
		"keep_other_sessions": chance.IntN(3) == 0 || j.profile.Keep, "sms_code": true, "authenticator_app": true, "backup_codes": true, "ip_limits": true, "notify_by_text": false,
	}
	for name, on := range set {
		j.oracle.settings[name] = on.(bool)
		j.oracle.changed[name] = began.Add(-time.Hour)
	}
	if a := j.team(http.MethodPatch, "/v1/instance", set); !a.OK() {
		return fmt.Errorf("settings: %d %s", a.Status, a.Body)
	}
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

// perform makes one step and returns the goals that it reaches.
func (j *journey) perform(s Step) []Hit {
	did := false
	var hits []Hit
	for n := range max(1, s.Times) {
		j.refused = false
		done, found := j.once(s, uint64(n))
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

// once makes a step one time, and says whether there was anything to do.
func (j *journey) once(s Step, n uint64) (bool, []Hit) {
	if s.Deed == wait {
		j.at = j.at.Add(s.Wait)
		j.story.waits(s.Wait)
		return true, nil
	}
	p := j.people[s.By]
	chance := rand.New(rand.NewPCG(s.Choice, n)) //nolint:gosec // a seed repeats a journey
	t := p.tabs[s.Tab%len(p.tabs)]
	switch s.Deed {
	case copies:
		return j.copies(p, s.Tab), nil
	case plants:
		return j.plants(p, t, s.Tab), nil
	case peeks:
		return j.peeks(p), nil
	case crowds:
		return j.crowds(p)
	}
	if s.By == admin {
		return j.administers(s, chance)
	}
	if t.copied && (j.oracle.fresh(t.session) || t.session == "") {
		return false, nil // this thief has a stale cookie, so it waits until the cookie is stale again
	}
	op := operations[s.Deed]
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

// send makes a request of the Frontend API and lets the actor and the oracle see the answer.
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
	said := p.learn(t, a)
	t.note(r, a, said)
	j.overhear(p, r, a)
	if a.Status < http.StatusBadRequest && j.profile.Granted != nil {
		j.profile.Granted(r.op.Name)
	}
	j.refused = a.Is(apierr.FormCodeIncorrect)
	j.story.tells(p, s, r, a, said)
	return j.oracle.see(p, t, r, a, said)
}

// note keeps what the browser is in.
func (t *tab) note(r *request, a browser.Answer, said told) {
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

// overhear remembers the code that the owner used last: a thief may have seen it.
func (j *journey) overhear(p *person, r *request, a browser.Answer) {
	if !p.steals() && a.OK() && r.given["code"] != "" {
		j.lastUsed = r.given["code"]
	}
}

// copies gives the cookie thief a cookie of the owner's.
func (j *journey) copies(p *person, which int) bool {
	from := j.people[owner].tabs[which%tabsEach]
	if from.session == "" {
		return false
	}
	p.tabs[0].Browser, p.tabs[0].session, p.tabs[0].copied = from.Browser, from.session, true
	j.oracle.copied[from.session] = true
	j.story.says(p, "copies the cookie of the owner's browser %d", which%tabsEach+1)
	return true
}

// plants puts the cookie of a thief's browser into a browser of the owner's that is not signed in,
// as a sibling domain can.
func (j *journey) plants(p *person, t *tab, which int) bool {
	to := j.people[owner].tabs[which%tabsEach]
	if t.copied || t.Cookie == "" || to.session != "" {
		return false
	}
	to.Cookie = t.Cookie
	j.story.says(p, "plants the cookie of its browser %d in the owner's browser %d", which%tabsEach+1, which%tabsEach+1)
	return true
}

// peeks tells a thief the code that the owner used last.
func (j *journey) peeks(p *person) bool {
	if j.lastUsed == "" {
		return false
	}
	p.know.Used = append(p.know.Used, j.lastUsed)
	j.story.says(p, "sees the code that the owner used last")
	return true
}

// crowds signs an actor in on more browsers than a user may have sessions. The actor keeps none of
// them.
func (j *journey) crowds(p *person) (bool, []Hit) {
	if len(p.know.Passwords) == 0 {
		return false, nil
	}
	form := url.Values{"strategy": {"password"}, "identifier": {username}, "password": p.know.Passwords[len(p.know.Passwords)-1:]}
	for n := range crowdSize {
		a, err := (&browser.Browser{}).Call(j.ctx, j.function(false), http.MethodPost, "/v1/client/sign_ins", form)
		j.failure = errors.Join(j.failure, err)
		if a.Text("response.status") != "complete" {
			return n > 0, nil
		}
		j.at = j.at.Add(time.Second)
	}
	j.story.says(p, "signs in with the password on %d browsers", crowdSize)
	return true, nil
}

// withKey calls an operation of the Backend API with the key that a thief has. The arguments do not
// matter: nothing may be answered.
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
	j.story.tells(p, Step{}, r, a, told{})
	if a.Status != http.StatusUnauthorized {
		return true, []Hit{{Key, fmt.Sprintf("%s answers %d", op.Name, a.Status)}}
	}
	return true, nil
}
