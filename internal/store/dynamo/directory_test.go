package dynamo_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"github.com/countersign-mfa/countersign/internal/clock"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/directory"
	list "github.com/countersign-mfa/countersign/internal/domain/listing"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

// asked counts requests by their action.
type asked struct {
	mu      sync.Mutex
	actions map[string]int
}

func (a *asked) RoundTrip(r *http.Request) (*http.Response, error) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	a.mu.Lock()
	a.actions[action]++
	a.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

// reset returns the requests since the last reset.
func (a *asked) reset() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	was := a.actions
	a.actions = map[string]int{}
	return was
}

// TestTheDirectoryAsksLittle: finding, listing and counting users are as many requests with many
// users as with few, and none reads the table.
func TestTheDirectoryAsksLittle(t *testing.T) {
	wire := &asked{actions: map[string]int{}}
	client := newClient(t, func(o *dynamodb.Options) { o.HTTPClient = &http.Client{Transport: wire} })
	s := mfatest.New(t, domain.Config{Store: dynamo.New(client, newTable(t, client), time.Now), Now: time.Now, Pause: clock.Pause})
	_, err := s.Tokens.JWKS(t.Context())
	s.Must(err)
	made := 0
	makeUsers := func(n int) {
		group, ctx := errgroup.WithContext(t.Context())
		group.SetLimit(16)
		for ; made < n; made++ {
			in := admin.UserInput{Username: fmt.Sprintf("user-%04d", made), FirstName: "Jane", Emails: []string{fmt.Sprintf("jane%d@example.com", made)}}
			group.Go(func() error {
				_, err := s.Admin.CreateUser(ctx, in)
				return err
			})
		}
		s.Must(group.Wait())
	}
	query := func(word string) directory.Filter {
		return directory.Filter{Texts: []directory.Text{{Param: "query", Value: word, Fields: []list.Field{list.Username, list.Name, list.Email}}}}
	}
	for _, users := range []int{30, 600} {
		makeUsers(users)
		for name, tc := range map[string]struct {
			do      func() ([]*account.User, error)
			want    int
			reads   int // BatchGetItem and GetItem
			queries int
		}{
			"the newest": {func() ([]*account.User, error) {
				return s.Directory.Users(t.Context(), directory.Query{Order: store.Descending, Limit: 10})
			}, 10, 1, 17},
			"by address": {func() ([]*account.User, error) {
				return s.Directory.Users(t.Context(), directory.Query{Filter: directory.Filter{Emails: []string{"jane7@example.com"}}, Limit: 10})
			}, 1, 2, 0},
			"by a word": {func() ([]*account.User, error) {
				return s.Directory.Users(t.Context(), directory.Query{Filter: query("jane"), Limit: 10})
			}, 10, 1, 3},
			"the count": {func() ([]*account.User, error) {
				n, err := s.Directory.Count(t.Context(), directory.Filter{})
				return make([]*account.User, n), err
			}, users, 1, 0},
		} {
			_, err := s.Directory.Count(t.Context(), directory.Filter{}) // a warm process
			s.Must(err)
			_, err = s.Engine.Settings(t.Context())
			s.Must(err)
			wire.reset()
			found, err := tc.do()
			got := wire.reset()
			if err != nil || len(found) != tc.want {
				t.Errorf("%d users, %s: %d found, want %d: %v", users, name, len(found), tc.want, err)
			}
			if reads := got["BatchGetItem"] + got["GetItem"]; reads > tc.reads || got["Query"] > tc.queries || got["Scan"]+got["TransactWriteItems"]+got["PutItem"] > 0 {
				t.Errorf("%d users, %s: %v, want at most %d reads and %d queries", users, name, got, tc.reads, tc.queries)
			}
		}
	}
	listed, after := 0, ""
	for {
		page, err := s.Directory.Users(t.Context(), directory.Query{After: after, Limit: 500})
		s.Must(err)
		if len(page) == 0 {
			break
		}
		listed, after = listed+len(page), page[len(page)-1].WireID()
	}
	if listed != made {
		t.Errorf("all pages have %d users, want %d", listed, made)
	}
}
