package mfa

// A code that is used makes room for other messages, because real users verify. One number does
// so once a UTC day: otherwise a single SIM that verifies again and again would pay for messages
// that nobody reads. The number's own record, which every message reads and writes, says on which
// day a message last carried that credit. A resend takes it over.

// mayCredit gives a code that is sent the credit of its number's day, if that is still to be had.
func (t *txn) mayCredit(c *Code, p *Phone, replaced *Code) error {
	if !c.Weighed {
		return nil
	}
	today := creditDay(t.now)
	if replaced != nil && replaced.Credit && replaced.Phone == c.Phone && creditDay(replaced.SentAt) == today {
		c.Credit = true
		return nil
	}
	log, err := t.sendsTo(p)
	if err != nil || log.Credited >= today {
		return err
	}
	log.Credited, c.Credit = today, true
	t.put(log)
	return nil
}

// worth is by how much the use of a code lowers the breakers that its message raised.
func (c *Code) worth() int64 {
	switch {
	case !c.Weighed:
		return 0
	case c.Credit:
		return verifiedWorth
	}
	return 1
}

func creditDay(at Instant) int64 { return at.Time().Unix() / (24 * 60 * 60) }
