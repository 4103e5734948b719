package phone

import "fmt"

// Line is the kind of line of a number. The zero Line is Other.
type Line int

// The lines. Some countries, such as the United States, let people keep a number on another kind of
// line. All their numbers are FixedOrMobile.
const (
	// Other is a line that gets no SMS: company and personal numbers, voicemail, and lines of no
	// country, such as satellite phones, whose price is unknown.
	Other Line = iota
	Mobile
	FixedOrMobile
	Fixed
	TollFree
	Premium
	SharedCost
	VoIP
	Pager
)

// TextAllowed reports whether an SMS may be sent to a line: to Mobile and FixedOrMobile only. The
// others cannot receive it, cost a premium that fraud lives on, or have no single owner.
func (l Line) TextAllowed() bool { return l == Mobile || l == FixedOrMobile }

// String names l for logs and tests.
func (l Line) String() string {
	names := [...]string{
		Other: "other", Mobile: "mobile", FixedOrMobile: "fixed or mobile", Fixed: "fixed", TollFree: "toll free",
		Premium: "premium", SharedCost: "shared cost", VoIP: "voip", Pager: "pager",
	}
	if l < 0 || int(l) >= len(names) {
		return fmt.Sprintf("Line(%d)", int(l))
	}
	return names[l]
}
