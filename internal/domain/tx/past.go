package tx

import (
	"context"
	"sync"
)

// pastMost is how many sums of ended periods a process remembers.
const pastMost = 1024

// pastSums remembers the sums of quotas whose period has ended. The zero value is empty.
type pastSums struct {
	mu   sync.Mutex
	sums map[string]int64
}

func (p *pastSums) known(counter string) (sum int64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	sum, ok = p.sums[counter]
	return sum, ok
}

func (p *pastSums) keep(counter string, sum int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sums == nil || len(p.sums) >= pastMost {
		p.sums = map[string]int64{}
	}
	p.sums[counter] = sum
}

// KnownPastSum returns a sum that this process has read by [Engine.PastSum].
func (s *Engine) KnownPastSum(counter string) (sum int64, ok bool) { return s.past.known(counter) }

// PastSum returns the sum of a quota whose period, part of the counter's name, has ended. A process
// reads it once, because it hardly changes any more.
func (s *Engine) PastSum(ctx context.Context, counter string) (int64, error) {
	if sum, ok := s.past.known(counter); ok {
		return sum, nil
	}
	sums, err := s.QuotaSums(ctx, counter)
	if err != nil {
		return 0, err
	}
	s.past.keep(counter, sums[0])
	return sums[0], nil
}
