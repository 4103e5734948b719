package webhook

import (
	"fmt"
	"testing"

	"github.com/countersign-mfa/countersign/internal/domain/gsm"
	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
)

// TestNoticesHaveRoomForAName: every language has every notice. Each fits into one segment together
// with a name of 15 characters.
func TestNoticesHaveRoomForAName(t *testing.T) {
	const name = 15
	for _, in := range language.All {
		for _, words := range notices[in] {
			frame := fmt.Sprintf(words, "")
			used, inGSM := gsm.Places(frame)
			room := sms.GSMSegment - used
			if in == language.Japanese {
				room = sms.UCS2Segment - gsm.Units(frame)
			} else if !inGSM {
				t.Errorf("%s: %q leaves the GSM alphabet, so a segment has 70 characters", in, words)
			}
			if words == "" || room < name {
				t.Errorf("%s: %q has room for a name of %d characters, want %d", in, words, room, name)
			}
		}
	}
}
