package account

// UnverifiedWeight is by how much the use of a code lowers the breakers that its message raised.
func (c *Code) UnverifiedWeight() int64 {
	switch {
	case !c.CountedUnverified:
		return 0
	case c.Credit:
		return verifiedWeight
	}
	return 1
}
