package account

// Erasure marks a user whose deletion has begun. No operation finds such a user; only the next
// step of the deletion does.
type Erasure struct {
	Since Instant `json:"t"`
	Pages int     `json:"p,omitempty"` // of the trail, still to be removed
	Kept  int     `json:"k,omitempty"` // pages of kept entries, too
}
