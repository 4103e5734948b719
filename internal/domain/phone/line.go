package phone

import "fmt"

// Line is the kind of line that a number leads to. The zero Line is Other.
type Line int

// The lines. Countries that let people keep a number when they move to another kind of line, the United States among
// them, have FixedOrMobile numbers only.
const (
	// Other is a line that no text belongs on: company and personal numbers, voicemail, and the lines of no country,
	// satellite phones among them, whose price nobody can tell.
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

// TextAllowed reports whether a text may be sent to such a line. Only Mobile and FixedOrMobile may have one: the others
// cannot receive it, cost the sender a premium that fraud lives on, or belong to nobody in particular.
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
