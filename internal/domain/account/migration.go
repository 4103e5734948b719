package account

import (
	"time"

	"github.com/countersign-mfa/countersign/internal/store"
)

// UsersMigrationKey is the key of the [Migration] of users.
var UsersMigrationKey = store.Key{Kind: store.KindMigration, ID: "users"}

// Migration is how far the work is that puts users from before the sorted lists into them. It reads
// all users in passes. The first pass makes the lists complete. A second one finds users that a
// process of the former version made or changed meanwhile.
type Migration struct {
	Base
	Began Instant `json:"b"`
	// PassBegan is when the present pass began, or when the next one may begin.
	PassBegan Instant `json:"p,omitempty"`
	// Position is where the pass goes on in the store, and Seen how many users it read.
	Position string `json:"o,omitempty"`
	Seen     int    `json:"n,omitempty"`
	// Complete is since when all users are in the lists, and Done since when nothing is left to do.
	Complete Instant `json:"c,omitempty"`
	Done     Instant `json:"d,omitempty"`
	// New says that the store had no users when the lists began.
	New bool `json:"w,omitempty"`
}

// Waiting reports whether the next pass is to begin later.
func (m *Migration) Waiting(now Instant) bool { return m.PassBegan > now }

// Advance moves a pass to the next position, "" at its end. Processes of the former version may run
// until settle after the work began.
func (m *Migration) Advance(next string, users int, now Instant, settle time.Duration) {
	m.Position, m.Seen = next, m.Seen+users
	if next != "" {
		return
	}
	m.New = m.New || m.Complete == 0 && m.Seen == 0
	if m.Complete == 0 {
		m.Complete = now
	}
	settled := m.Began.Add(settle)
	if m.New || m.PassBegan >= settled {
		m.Done = now
		return
	}
	m.PassBegan, m.Seen = settled, 0
}
