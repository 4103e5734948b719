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

// Passwords computes and compares password hashes: a [password.Hasher].
//
// A comparison takes as long as a hundred other requests, so a caller must not get it for nothing:
//
//   - An operation compares a hash once, however often its commit is tried.
//   - Only one comparison of an identifier runs at a time in a process. The next operation sees the
//     failure that it recorded.
//   - A reached limit of an address is remembered until its period ends, and refuses before the
//     comparison.
//   - Codes that another service hashed cost a multiple: each attempt reserves its cost, per user
//     and hour, in a commit of its own.
type Passwords interface {
	// Hash returns a hash of the present cost.
	Hash(ctx context.Context, pw secret.Value) (string, error)
	// VerifyIf compares. It calls still when its turn has come, and returns the error of still.
	VerifyIf(ctx context.Context, digest string, pw secret.Value, still func() error) (bool, error)
	// VerifyNoneIf takes as long as a comparison with a hash of the present cost.
	VerifyNoneIf(ctx context.Context, pw secret.Value, still func() error) error
}

const (
	// importedCost limits the cost of one set of backup codes together: twenty bcrypt hashes of
	// cost 10, which Clerk makes.
	importedCost = account.BackupCodesPerUser << 16
	// importedTries limits the attempts an hour that compare with such a set, of unknown and of
	// known devices each. [account.Policy.LockFailures] limits consecutive failures; importedTries
	// also limits attempts that come at the same moment.
	importedTries = 20
	// namesKept limits the memory of reached limits and of ended comparisons.
	namesKept = 4096
)

// errAgain makes the operation start again, because it read its records before a failure that
// another operation recorded.
var errAgain = errors.New("tx: a comparison of the same secret has ended since the records were read")

// comparing is the memory of a process about comparisons.
type comparing struct {
	mu      sync.Mutex
	busy    map[string]chan struct{} // closed when the operation that compares has ended
	ended   map[string]uint64        // the position at the end of a name's last comparison
	last    uint64
	floor   uint64               // names of comparisons up to here are forgotten
	reached map[string]time.Time // reached limits of addresses, and when their period ends
}

// position returns the number of comparisons that have ended.
func (c *comparing) position() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// enter begins the only comparison of a name. stale reports that another one has ended after the
// position since. If another one is running, enter returns a channel that closes at its end.
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

// rememberLimit notes a reached limit until its period ends.
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

// end lets the next operation compare.
func (c *comparisons) end() {
	if c.leave != nil {
		c.leave()
	}
}

// waitForComparison waits until no other operation compares the same secret. If one ended after the
// records were read, the operation starts again, to see the failure that was recorded.
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

// checkKnownLimits refuses a request whose address has reached a limit that the process remembers.
func (t *Tx) checkKnownLimits() error {
	for _, inc := range t.Increments {
		if t.Engine.comparing.limitReached(inc.Counter) {
			return t.LimitReached(inc.Counter)
		}
	}
	return nil
}

// Compare reports whether a text has a hash; the hash of an account that does not exist is "". name
// stands for the secret that is guessed. A hash that is malformed, or that costs more than an
// import allows, matches no text.
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

// CompareImported returns the index of the imported code that one of a code's spellings matches, or
// -1. It compares each spelling with as many codes as one attempt may cost. A set from before that
// limit may hold more; their turn comes when earlier codes are used up.
func (t *Tx) CompareImported(u *account.User, spellings ...string) (int, error) {
	digests := affordedCodes(u.Backup.Imported)
	if len(digests) == 0 {
		return -1, nil
	}
	if err := t.reserveImported(u); err != nil {
		return -1, err
	}
	for _, code := range spellings {
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
	}
	return -1, nil
}

// affordedCodes returns the hashes of a set that one attempt compares, at their places; "" stands
// for a hash that costs too much.
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

// ImportableDigests reports whether a set of imported hashes may be stored: each, and all together.
func ImportableDigests(digests []string) bool {
	afforded := affordedCodes(digests)
	return len(afforded) == len(digests) && !slices.Contains(afforded, "")
}

// reserveImported counts an attempt at imported codes against the user's hour, before the
// comparison.
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
