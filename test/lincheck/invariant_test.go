package lincheck

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/store"
)

// TestInvariantsNotice: each violation, put into otherwise valid records, is reported with its own
// message.
func TestInvariantsNotice(t *testing.T) {
	type object = map[string]any
	user, client, claim, ticket := store.KindUser, store.KindClient, store.KindClaim, store.KindTicket
	first := func(o object, name string) object { return o[name].([]any)[0].(object) }
	for want, c := range map[string]struct {
		kind   store.Kind
		change func(object)
	}{
		"of which 0 are the default":                     {user, func(o object) { delete(first(o, "ph"), "d") }},
		"is no second factor":                            {user, func(o object) { delete(first(o, "ph"), "r") }},
		"has backup codes and no other factor":           {user, func(o object) { delete(o, "to"); delete(first(o, "ph"), "r"); delete(first(o, "ph"), "d") }},
		"by its times":                                   {user, func(o object) { delete(o, "me") }},
		"is claimed by":                                  {user, func(o object) { first(o, "ph")["n"] = "+12125550199"; delete(first(o, "ph"), "s") }},
		"claims what it does not have":                   {user, func(o object) { delete(o, "un") }},
		"somebody claims what it does not have":          {claim, func(o object) { o["u"] = "somebody" }},
		"failures of the app, at most":                   {user, func(o object) { o["to"].(object)["f"] = 101 }},
		"failures of a number, at most":                  {user, func(o object) { first(o, "ph")["f"] = 101 }},
		"failures of backup codes, at most":              {user, func(o object) { o["bc"].(object)["f"] = 101 }},
		"failures in the failure log, at most":           {user, func(o object) { o["lg"] = make([]int, 21) }},
		"both used and unused":                           {user, func(o object) { o["bc"].(object)["d"] = o["bc"].(object)["t"] }},
		"names a session that its client does not have":  {client, func(o object) { delete(o, "ss") }},
		"on a client and not in the user's list":         {user, func(o object) { delete(o, "ss"); delete(o, "g") }},
		"is banned and has":                              {user, func(o object) { o["bn"] = true }},
		"without a first factor":                         {client, func(o object) { first(o, "ss")["f1"] = 0 }},
		"before the first was proved":                    {client, func(o object) { o["si"] = object{"i": "x", "f2": object{"v": 1}, "c": 1, "e": 1} }},
		"a sign-in that became a session is still there": {client, func(o object) { o["si"] = object{"i": "x", "cs": "y", "c": 1, "e": 1} }},
		"6 tries of one code": {client, func(o object) {
			o["si"] = object{"i": "x", "f1": object{"v": 1}, "f2": object{"c": object{"i": "x", "a": 6, "s": 1, "e": 1}}, "c": 1, "e": 1}
		}},
		"both used and revoked": {ticket, func(o object) { o["r"] = 1 }},
		"is found at":           {client, func(o object) { o["e"] = 1 }},
		"before it expires":     {ticket, func(o object) { o["e"] = 9999999999999 }},
	} {
		s := Memory(t)(t)
		w, err := newWorld(t.Context(), s, 1)
		if err != nil {
			t.Fatal(err)
		}
		h := newJourneyUser(t, w, true)
		if err := h.signIn(t.Context(), account.TicketCode, account.TOTPCode); err != nil {
			t.Fatal(err)
		}
		if err := Invariants(t.Context(), s, w.Ring); err != nil {
			t.Fatalf("sound records: %v", err)
		}
		records, _, err := s.List(t.Context(), c.kind, "", 1)
		if err != nil {
			t.Fatal(err)
		}
		var o object
		if err := json.Unmarshal(records[0].Data, &o); err != nil {
			t.Fatal(err)
		}
		c.change(o)
		if records[0].Data, err = json.Marshal(o); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), []store.Write{{Record: records[0]}}); err != nil {
			t.Fatal(err)
		}
		if err := Invariants(t.Context(), s, w.Ring); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q was not noticed, but %v", want, err)
		}
	}
}

// TestMessagesWithoutTheirMoneyAreNoticed: a message counts in the spending counter of its day, and
// a refused one costs nothing.
func TestMessagesWithoutTheirMoneyAreNoticed(t *testing.T) {
	const at = account.Instant(1_772_600_000_000)
	for name, c := range map[string]struct {
		text     string
		reserved int64
		want     string
	}{
		"paid":            {`{"d":"allowed","m":20000,"c":1772600000000}`, 20000, ""},
		"paid too little": {`{"d":"allowed","m":20000,"c":1772600000000}`, 19999, "messages for 20000 were sent, and 19999 were reserved"},
		"refused":         {`{"d":"refused","m":1,"c":1772600000000}`, 1, "a message that was refused has a price"},
	} {
		s := Memory(t)(t)
		w, err := newWorld(t.Context(), s, 1)
		if err != nil {
			t.Fatal(err)
		}
		record := store.Record{Key: store.Key{Kind: store.KindSMS, ID: "a"}, Data: []byte(c.text), Expires: at.Time()}
		inc := store.Increment{Counter: sms.SpendCounter(at), By: c.reserved, Max: c.reserved, Expires: at.Time()}
		if err := s.Commit(t.Context(), []store.Write{{Record: record}}, inc); err != nil {
			t.Fatal(err)
		}
		if err := Invariants(t.Context(), s, w.Ring); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestHalfACommitBreaksTheInvariants: journeys on a store that leaves out the user's record of a
// commit violate the invariants.
func TestHalfACommitBreaksTheInvariants(t *testing.T) {
	var found []string
	for _, j := range journeys {
		s := Memory(t)(t)
		w, err := newWorld(t.Context(), s, 1)
		if err != nil {
			t.Fatal(err)
		}
		h := newJourneyUser(t, w, j.factors)
		half := w.config
		half.Store = noUserStore{w.Store}
		if w.Service, err = domain.New(half); err != nil {
			t.Fatal(err)
		}
		_ = j.run(t.Context(), h) // how far it gets does not matter
		if Invariants(t.Context(), s, w.Ring) != nil {
			found = append(found, j.name)
		}
	}
	for _, name := range []string{"enrol a number", "enrol an app", "sign in by password and app", "the server's changes"} {
		if !slices.Contains(found, name) {
			t.Errorf("half of %q was not noticed; only %q", name, found)
		}
	}
}

// noUserStore leaves the user's record out of a commit of several records.
type noUserStore struct{ store.Store }

func (f noUserStore) Commit(ctx context.Context, writes []store.Write, increments ...store.Increment) error {
	if len(writes) > 1 {
		writes = slices.DeleteFunc(slices.Clone(writes), func(w store.Write) bool { return w.Key.Kind == store.KindUser })
	}
	return f.Store.Commit(ctx, writes, increments...)
}
