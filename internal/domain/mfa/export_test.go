package mfa

// Breakers are the names of the counters that an unverified message to a number raises, in the order prefix, country, instance.
func (s *Service) Breakers(number, country string, at Instant) []string {
	var names []string
	for _, inc := range s.unverifiedCounters(numberPrefix(number), country, at) {
		names = append(names, inc.Counter)
	}
	return names
}
