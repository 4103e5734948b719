package tx

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/store"
)

// A comparison with a password's digest takes as long as a hundred requests without one, so a
// Caller must not get it for nothing:
//
//   - An operation compares a digest once, however often its commit is tried.
//   - Of one identifier, one comparison runs at a time in a process. The next one sees the
//     failure of the one before, and with it the user's budget.
//   - A limit of an address that was found exhausted is remembered until its period ends, and
//     refuses before anything is computed.
//   - Codes that another service hashed cost a multiple: each attempt reserves its cost, per user
//     and hour, in a commit of its own.

// Passwords computes and compares digests: a [password.Hasher].
type Passwords interface {
	// Hash makes a digest of the present cost.
	Hash(ctx context.Context, pw secret.Value) (string, error)
	// VerifyIf compares. When its turn has come it asks still, and returns its error instead.
	VerifyIf(ctx context.Context, digest string, pw secret.Value, still func() error) (bool, error)
	// VerifyNoneIf takes as long as a comparison with a digest of the present cost.
	VerifyNoneIf(ctx context.Context, pw secret.Value, still func() error) error
}

const (
	// importedCost bounds the digests of one set of backup codes together: twenty of bcrypt with
	// cost 10, which is what Clerk makes.
	importedCost = account.BackupCodesPerUser << 16
	// importedTries is how many attempts an hour compare with such a set, of strangers and of
	// Known clients each. The budget of failures allows ten in a row: this one holds for those
	// that come at the same moment.
	importedTries = 20
	// namesKept bounds the memory of exhausted limits, and of comparisons that ended.
	namesKept = 4096
)

// errAgain makes the operation begin anew, because what it read is of before another one's
// failure.
var errAgain = errors.New("mfa: a comparison of the same secret has ended since the records were read")

// comparing is what a process remembers about comparisons.
type comparing struct {
	mu      sync.Mutex
	busy    map[string]chan struct{} // closed when the operation that compares has ended
	ended   map[string]uint64        // which of all that ended was a name's last one
	last    uint64
	floor   uint64               // of those up to here the names are forgotten
	reached map[string]time.Time // limitReached limits of addresses, and when their period ends
}

// position is now, as far as comparisons are concerned.
func (c *comparing) position() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// enter begins the only comparison of a name, and says whether another one has ended since a
// moment. While there is another one it returns what tells of that one's end.
func (c *comparing) enter(name string, since uint64) (leave func(), stale bool, busy <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if other, ok := c.busy[name]; ok {
		return nil, false, other
	}
	if c.busy == nil {
		c.busy, c.ended = map[string]chan struct{}{}, map[string]uint64{}
	}
	mine := make(chan struct{})
	c.busy[name] = mine
	return func() { c.leave(name, mine) }, max(c.ended[name], c.floor) > since, nil
}

func (c *comparing) leave(name string, mine chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ended) >= namesKept {
		clear(c.ended)
		c.floor = c.last
	}
	c.last++
	c.ended[name] = c.last
	delete(c.busy, name)
	close(mine)
}

// rememberLimit remembers that a limit is exhausted.
func (c *comparing) rememberLimit(counter string, until, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.reached) >= namesKept {
		for name, end := range c.reached {
			if !end.After(now) {
				delete(c.reached, name)
			}
		}
	}
	if c.reached == nil || len(c.reached) >= namesKept {
		c.reached = map[string]time.Time{}
	}
	c.reached[counter] = until
}

func (c *comparing) limitReached(counter string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.reached[counter]
	return ok
}

// comparisons are those of one operation. They outlive the tries of its commit.
type comparisons struct {
	right    map[[sha256.Size]byte]bool
	reserved bool
	leave    func()
}

// End lets the next operation compare.
func (c *comparisons) end() {
	if c.leave != nil {
		c.leave()
	}
}

// waitForComparison waits until no other operation compares the same secret. When one has ended since the
// records were read, the operation begins anew: it must see that one's failure.
func (t *Tx) waitForComparison(name string) error {
	for t.compared.leave == nil {
		leave, stale, busy := t.Engine.comparing.enter(name, t.began)
		if stale {
			t.compared.leave = leave
			return errAgain
		}
		if busy == nil {
			t.compared.leave = leave
			return nil
		}
		select {
		case <-busy:
		case <-t.Ctx.Done():
			return t.Ctx.Err()
		}
	}
	return nil
}

// checkKnownLimits refuses what a limit of the address is known to refuse.
func (t *Tx) checkKnownLimits() error {
	for _, inc := range t.Increments {
		if t.Engine.comparing.limitReached(inc.Counter) {
			return t.LimitReached(inc.Counter)
		}
	}
	return nil
}

// Compare says whether a text has a digest; "" is that of an account that does not exist. Name
// stands for what is guessed at. A digest that cannot be compared, or that costs more than any
// import ever allowed, is that of no text.
func (t *Tx) Compare(name, digest string, given secret.Value) (bool, error) {
	id := sha256.Sum256([]byte(digest + "\x00" + given.Reveal()))
	if right, ok := t.compared.right[id]; ok {
		return right, nil
	}
	if err := t.checkKnownLimits(); err != nil {
		return false, err
	}
	if err := t.waitForComparison(name); err != nil {
		return false, err
	}
	right := false
	var err error
	if digest != "" {
		right, err = t.Engine.Passwords.VerifyIf(t.Ctx, digest, given, t.checkKnownLimits)
	}
	if digest == "" || errors.Is(err, password.ErrDigest) {
		right, err = false, t.Engine.Passwords.VerifyNoneIf(t.Ctx, given, t.checkKnownLimits)
	}
	if err != nil {
		return false, err
	}
	if t.compared.right == nil {
		t.compared.right = map[[sha256.Size]byte]bool{}
	}
	t.compared.right[id] = right
	return right, nil
}

// CompareImported returns which of the codes that another service hashed a text is, or -1. It
// compares as many of them as one attempt may cost: a set from before the bound may have more,
// whose turn comes when those before are used up.
func (t *Tx) CompareImported(u *account.User, code string) (int, error) {
	digests := affordedCodes(u.Backup.Imported)
	if len(digests) == 0 {
		return -1, nil
	}
	if err := t.reserveImported(u); err != nil {
		return -1, err
	}
	for i, digest := range digests {
		if digest == "" {
			continue
		}
		right, err := t.Compare("backup/"+u.ID, digest, secret.New(code))
		if err != nil {
			return -1, fmt.Errorf("compare imported backup code: %w", err)
		}
		if right {
			return i, nil
		}
	}
	return -1, nil
}

// affordedCodes are the digests of a set that one attempt compares, at their places; "" is one
// that it must not.
func affordedCodes(imported []string) []string {
	var out []string
	total := 0
	for _, digest := range imported {
		cost, err := password.Cost(digest)
		if err != nil || cost > password.MostImported {
			digest, cost = "", 0
		}
		if total += cost; total > importedCost {
			break
		}
		out = append(out, digest)
	}
	return out
}

// ImportableDigests says whether a set of imported digests may be kept: each, and all of them
// together.
func ImportableDigests(digests []string) bool {
	afforded := affordedCodes(digests)
	return len(afforded) == len(digests) && !slices.Contains(afforded, "")
}

// reserveImported takes an attempt at a set of imported codes from the user's hour, before
// anything is compared.
func (t *Tx) reserveImported(u *account.User) error {
	if t.compared.reserved {
		return nil
	}
	if err := t.checkKnownLimits(); err != nil {
		return err
	}
	end := t.Now.Time().Truncate(time.Hour).Add(time.Hour)
	inc := store.Increment{Counter: "compare:" + t.Engine.Digest("compare", string(t.Device), u.ID) + ":" + HourOf(t.Now), By: 1, Max: importedTries, Expires: end}
	err := t.Engine.Store.Commit(t.Ctx, nil, inc)
	if _, ok := asLimitReached(err); ok {
		return apierr.New(apierr.TooManyRequests).Retry(end.Sub(t.Now.Time()))
	}
	if err != nil {
		return fmt.Errorf("reserve a comparison: %w", err)
	}
	t.compared.reserved = true
	return nil
}
