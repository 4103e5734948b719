package mfa

// A code that is used makes room for other messages, because real users verify. One number does
// so once a UTC day: otherwise a single SIM that verifies again and again would pay for messages
// that nobody reads. The number's own record, which every message reads and writes, says on which
// day a message last carried that credit. A resend takes it over.

// assignCredit gives a code that is sent the credit of its number's day, if that is still to be had.
func (t *txn) assignCredit(c *Code, p *Phone, replaced *Code) error {
	if !c.CountedUnverified {
		return nil
	}
	today := creditDay(t.now)
	if replaced != nil && replaced.Credit && replaced.Phone == c.Phone && creditDay(replaced.SentAt) == today {
		c.Credit = true
		return nil
	}
	log, err := t.numberRecord(p)
	if err != nil || log.Credited >= today {
		return err
	}
	log.Credited, c.Credit = today, true
	t.put(log)
	return nil
}

// unverifiedWeight is by how much the use of a code lowers the breakers that its message raised.
func (c *Code) unverifiedWeight() int64 {
	switch {
	case !c.CountedUnverified:
		return 0
	case c.Credit:
		return verifiedWeight
	}
	return 1
}

func creditDay(at Instant) int64 { return at.Time().Unix() / (24 * 60 * 60) }
