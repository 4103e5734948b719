package boltstore

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/countersign-mfa/countersign/internal/store"
)

// maxWaiting is how many commits may wait for the disk. It bounds their memory and how long the
// last one waits.
const maxWaiting = 4096

var errOverloaded = fmt.Errorf("%d commits are waiting: %w", maxWaiting, store.ErrUnavailable)

// A queue holds the commits that wait for the writer, in order of arrival.
type queue struct {
	mu      sync.Mutex
	waiting []*request
	closed  bool
	// wake has one element if the writer has something to look for. It is closed with the queue.
	wake chan struct{}
	// done is closed when the writer has answered everything and returned.
	done chan struct{}
}

func newQueue() queue {
	return queue{wake: make(chan struct{}, 1), done: make(chan struct{})}
}

func (q *queue) add(r *request) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return errClosed
	case len(q.waiting) >= maxWaiting:
		return errOverloaded
	}
	q.waiting = append(q.waiting, r)
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return nil
}

// next waits for requests and returns all of them, or none when the queue is closed and empty.
func (q *queue) next() []*request {
	for {
		_, open := <-q.wake
		// Callers that already run get to add their commits to this batch. Without any, yielding costs
		// nothing.
		runtime.Gosched()
		q.mu.Lock()
		requests := q.waiting
		q.waiting = nil
		q.mu.Unlock()
		if len(requests) > 0 || !open {
			return requests
		}
	}
}

// close refuses later commits and waits until the writer is done. It reports whether it was the
// first to close the queue.
func (q *queue) close() bool {
	q.mu.Lock()
	first := !q.closed
	if first {
		q.closed = true
		close(q.wake)
	}
	q.mu.Unlock()
	<-q.done
	return first
}
