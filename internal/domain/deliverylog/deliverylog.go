// Package deliverylog has the log of the last tries to deliver events to a webhook endpoint. It
// holds nothing of a body or of an answer.
package deliverylog

import (
	"cmp"
	"slices"
)

// Most is the number of tries that a log keeps.
const Most = 50

// Log holds the newest tries, oldest first. The JSON is the stored form.
type Log struct {
	Tries []Try `json:"t"`
}

// Try is one try to deliver one event.
type Try struct {
	Event   string  `json:"e"`           // its id, as clients see it
	Name    string  `json:"k"`           // its type
	Number  int     `json:"n"`           // counted from 1
	At      int64   `json:"c"`           // milliseconds since 1970
	Took    int     `json:"d,omitempty"` // milliseconds
	Status  int     `json:"s,omitempty"` // the status code of the answer; 0: no answer
	Problem Problem `json:"p,omitempty"` // "": delivered
}

// Problem is the reason why a try failed.
type Problem string

// The reasons why a try failed.
const (
	Status      Problem = "status"      // an answer with a status other than 2xx
	Timeout     Problem = "timeout"     // no answer in time
	Address     Problem = "address"     // no address that webhooks may go to
	Name        Problem = "name"        // the host's name does not resolve
	Certificate Problem = "certificate" // no TLS: an expired certificate, or none
	Connection  Problem = "connection"  // no connection, or one that broke
	Unsigned    Problem = "unsigned"    // no secret of the endpoint opens
)

// Add appends tries in the order of their times. It drops the oldest beyond [Most].
func (l *Log) Add(tries []Try) {
	l.Tries = append(l.Tries, tries...)
	slices.SortStableFunc(l.Tries, func(a, b Try) int { return cmp.Compare(a.At, b.At) })
	l.Tries = slices.Clone(l.Tries[max(0, len(l.Tries)-Most):])
}

// Last returns the time of the newest try in milliseconds since 1970, or 0.
func (l *Log) Last() int64 {
	if len(l.Tries) == 0 {
		return 0
	}
	return l.Tries[len(l.Tries)-1].At
}
