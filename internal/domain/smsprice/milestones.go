package smsprice

import "sync"

// Milestones counts how many milestones of a day's cap were passed, as far as this process knows.
// The zero value is ready. It is safe for concurrent use.
type Milestones struct {
	mu     sync.Mutex
	day    string
	cap    Micros
	passed int
}

// Passed returns how many milestones of the cap this process knows to be passed on a day.
func (m *Milestones) Passed(day string, limit Micros) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.day != day || m.cap != limit {
		m.day, m.cap, m.passed = day, limit, 0
	}
	return m.passed
}

// Pass records that n milestones of the cap are passed on a day. It ignores a day or cap other than
// the last one that Passed was asked for.
func (m *Milestones) Pass(day string, limit Micros, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.day == day && m.cap == limit {
		m.passed = max(m.passed, n)
	}
}
