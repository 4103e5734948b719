package dynamo_test

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/countersign-mfa/countersign/internal/clock"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
	"github.com/countersign-mfa/countersign/test/lincheck"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

// theTTL is the table's TTL attribute, as infra's template names it.
const theTTL = "ttl"

// ttlOf returns an item's time to live in seconds; ok is false when it has none. DynamoDB ignores
// values that are not numbers.
func ttlOf(t *testing.T, it map[string]types.AttributeValue) (seconds int64, ok bool) {
	t.Helper()
	if it[theTTL] == nil {
		return 0, false
	}
	n, isNumber := it[theTTL].(*types.AttributeValueMemberN)
	if !isNumber {
		t.Fatalf("ttl is a %T", it[theTTL])
	}
	seconds, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return seconds, true
}

// TestTheTimeToLiveOfARecord: a record that ends has one, 30 days after its end. A record in which
// only a part expires has none.
func TestTheTimeToLiveOfARecord(t *testing.T) {
	if dynamo.TimeToLive != theTTL {
		t.Fatalf("the table acts on %q", dynamo.TimeToLive)
	}
	at := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		expires, ends time.Time
		want          string
	}{
		"neither expires nor ends": {},
		"expires only":             {expires: at},
		"ends":                     {expires: at, ends: at, want: "1801451045"},
		"ends later":               {expires: at, ends: at.Add(24 * time.Hour), want: "1801537445"},
	} {
		wire := &heard{}
		endpoint := "http://stub.invalid"
		client := dynamodb.New(dynamodb.Options{BaseEndpoint: &endpoint, Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""), HTTPClient: wire})
		w := store.Write{Record: store.Record{Key: store.Key{Kind: store.KindUser, ID: "a"}, Data: []byte(`{}`), Expires: c.expires, Ends: c.ends}}
		if err := dynamo.New(client, "table", time.Now).Commit(t.Context(), []store.Write{w}); err != nil {
			t.Fatal(err)
		}
		got, _ := wire.bodies[0]["Item"].(map[string]any)[theTTL].(map[string]any)
		if c.want == "" && got != nil || c.want != "" && got["N"] != c.want {
			t.Errorf("%s: ttl %v, want %q", name, got, c.want)
		}
	}
}

// TestTheTimeToLiveOfACounter: it is an hour after the counter's period and the same after every
// increment.
func TestTheTimeToLiveOfACounter(t *testing.T) {
	client := newClient(t)
	table := newTable(t, client)
	s := dynamo.New(client, table, time.Now)
	end := time.Date(2100, 1, 2, 4, 0, 0, 0, time.UTC)
	for range 2 {
		if err := s.Commit(t.Context(), nil, store.Increment{Counter: "b", By: 1, Max: 9, Expires: end}); err != nil {
			t.Fatal(err)
		}
		items := scan(t, client, table)
		if len(items) != 1 {
			t.Fatalf("%d items", len(items))
		}
		if got, _ := ttlOf(t, items[0]); got != end.Unix()+3600 {
			t.Errorf("ttl %d, want %d", got, end.Unix()+3600)
		}
	}
}

// TestTheEndOfARecordIsRead: a record that is read and written again keeps its end.
func TestTheEndOfARecordIsRead(t *testing.T) {
	client := newClient(t)
	s := dynamo.New(client, newTable(t, client), time.Now)
	w := store.Write{Record: store.Record{Key: store.Key{Kind: store.KindClient, ID: "a"}, Data: []byte(`{}`)}}
	w.Expires = time.Date(2100, 1, 2, 3, 4, 5, 0, time.UTC)
	w.Ends = w.Expires.Add(time.Hour)
	if err := s.Commit(t.Context(), []store.Write{w}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(t.Context(), w.Key)
	if err != nil || !got[0].Expires.Equal(w.Expires) || !got[0].Ends.Equal(w.Ends) {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestTheTableDeletesNothingThatLives deletes each item when its time to live comes. All along the
// records are consistent. In the end every user, every user's claims and the signing keys are
// there, and the user signs in.
func TestTheTableDeletesNothingThatLives(t *testing.T) {
	client := newClient(t)
	table := newTable(t, client)
	s, now := dynamo.New(client, table, time.Now), time.Now()
	service := mfatest.New(t, domain.Config{Store: s, Now: func() time.Time { return now }, Pause: clock.Pause})
	id := busy(service, func(d time.Duration) { now = now.Add(d) })
	var times []int64
	for _, it := range scan(t, client, table) {
		if at, ok := ttlOf(t, it); ok {
			times = append(times, at)
		}
	}
	slices.Sort(times)
	gone := map[string]int{}
	for _, at := range slices.Compact(times) {
		if later := time.Unix(at, 0); later.After(now) {
			now = later
		}
		for _, it := range scan(t, client, table) {
			if end, ok := ttlOf(t, it); ok && end <= at {
				key := it["pk"].(*types.AttributeValueMemberS).Value
				gone[key[:strings.IndexByte(key, '#')]]++
				if _, err := client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: map[string]types.AttributeValue{"pk": it["pk"]}}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if gone[string(store.KindClient)] > 0 { // a year later; the user's list still has dead sessions
			if _, err := service.Admin.Cleanup(t.Context(), 1000); err != nil {
				t.Fatal(err)
			}
		}
		if err := lincheck.Invariants(t.Context(), s, service.Config.Ring); err != nil {
			t.Errorf("after what ends at %v: %v", time.Unix(at, 0), err)
		}
	}
	for _, kind := range []store.Kind{store.KindUser, store.KindSigningKey, store.KindSettings} {
		if gone[string(kind)] > 0 {
			t.Errorf("a %s was deleted", kind)
		}
	}
	for _, kind := range []store.Kind{store.KindClient, store.KindTicket, store.KindNonce, store.KindClaim, store.KindEvent, ""} {
		if gone[string(kind)] == 0 {
			t.Errorf("no %q has a time to live: %v", kind, gone)
		}
	}
	ticket, err := service.MFA.CreateTicket(t.Context(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := service.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token}); err != nil {
		t.Errorf("the user signs in: %v", err)
	}
	if _, err := service.Admin.CreateUser(t.Context(), admin.UserInput{Emails: []string{"a@example.com"}}); err == nil {
		t.Error("the user's address is free")
	}
}

// TestOldTimesToLiveAreRemoved: users and signing keys of an earlier release lose their time to
// live in one pass.
func TestOldTimesToLiveAreRemoved(t *testing.T) {
	client := newClient(t)
	table := newTable(t, client)
	s, now := dynamo.New(client, table, time.Now), time.Now()
	service := mfatest.New(t, domain.Config{Store: s, Now: func() time.Time { return now }, Pause: clock.Pause})
	busy(service, func(d time.Duration) { now = now.Add(d) })
	lives := func() (marked int) {
		for _, it := range scan(t, client, table) {
			key := it["pk"].(*types.AttributeValueMemberS).Value
			if _, ok := ttlOf(t, it); ok && (strings.HasPrefix(key, "user#") || strings.HasPrefix(key, "signingkey#")) {
				marked++
			}
		}
		return marked
	}
	for _, it := range scan(t, client, table) {
		if it["xe"] == nil {
			continue
		}
		it[theTTL] = it["xe"] // as earlier releases did, without their 30 days
		if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: it}); err != nil {
			t.Fatal(err)
		}
	}
	if lives() != 2 {
		t.Fatalf("%d users and signing keys have a time to live", lives())
	}
	for range 2 { // the first run waits for processes of the earlier release
		if _, err := service.Admin.MendEnds(t.Context(), func(admin.EndsProgress) bool { return true }); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Hour)
	}
	if lives() != 0 {
		t.Errorf("%d still have one", lives())
	}
}

// busy stores records of many kinds and returns the user that most of them belong to.
func busy(s *mfatest.World, later func(time.Duration)) string {
	s.Helper()
	ctx, must := s.Context(), s.Must
	u, err := s.Admin.CreateUser(ctx, admin.UserInput{Emails: []string{"a@example.com"}, Password: secret.New("correct horse")})
	must(err)
	ticket, err := s.MFA.CreateTicket(ctx, u.WireID(), 0)
	must(err)
	in, err := s.MFA.CreateSignIn(ctx, tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token})
	must(err)
	from := tx.Caller{Session: in.SignIn.Created, Credentials: []tx.Credential{{Transport: tx.Cookie, Token: in.Snapshot.Token}}}
	ph, err := s.MFA.AddPhone(ctx, from, mfa.PhoneInput{Number: "+12125550123"})
	must(err)
	_, err = s.MFA.PreparePhone(ctx, from, ph.Phone.ID, account.PhoneCode)
	must(err)
	_, err = s.Tokens.KeepHandshake(ctx, secret.New("payload"))
	must(err)
	_, err = s.MFA.CreateSignIn(ctx, tx.Caller{}, mfa.SignInInput{Identifier: "nobody@example.com", Password: secret.New("wrong horse")})
	if err == nil {
		s.Fatal("no user signed in")
	}
	later(time.Minute)
	must(s.Tokens.RotateSigningKey(ctx, 0))
	return u.WireID()
}

func newTable(t *testing.T, client *dynamodb.Client) string {
	t.Helper()
	table := "ttl-" + time.Now().Format("150405.000000000")
	if _, err := client.CreateTable(t.Context(), dynamo.Schema(table)); err != nil {
		t.Fatal(err)
	}
	return table
}

// scan returns every item as it is stored.
func scan(t *testing.T, client *dynamodb.Client, table string) (items []map[string]types.AttributeValue) {
	t.Helper()
	pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range page.Items {
			items = append(items, maps.Clone(it))
		}
	}
	return items
}
