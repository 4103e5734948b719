package domain_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
)

// TestMessagesOfOneSecondAreNewestFirst: messages of one second are listed newest first, although
// the store orders by whole seconds.
func TestMessagesOfOneSecondAreNewestFirst(t *testing.T) {
	w := newWorld(t)
	p := &pumpers{world: w}
	for i := range 10 {
		w.Must(p.ask(fmt.Sprintf("+1212201%04d", 1000+i), netip.Addr{}))
		w.Advance(time.Millisecond)
	}
	texts, err := w.SMS.Log(t.Context(), sms.LogQuery{Limit: 3})
	w.Must(err)
	if len(texts) != 10 {
		t.Fatalf("%d decisions, want the whole second", len(texts))
	}
	for i := 1; i < len(texts); i++ {
		if texts[i].At >= texts[i-1].At {
			t.Errorf("decision %d is of %d, the one before of %d", i, texts[i].At, texts[i-1].At)
		}
	}
	if texts[0].Decision != account.Allowed {
		t.Error(texts[0].Decision)
	}
}
