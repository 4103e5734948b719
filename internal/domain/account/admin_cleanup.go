package account

import (
	"time"
)

// CleanupKept is how long what has run out stays, beyond every window in which it could matter (I-11).
const CleanupKept = 24 * time.Hour

// EndsAt is never: only [Engine.DeleteUser] and its like remove a user.
func (u *User) EndsAt() time.Time { return time.Time{} }

func (c *Client) EndsAt() time.Time { return c.Expires.Time() }
