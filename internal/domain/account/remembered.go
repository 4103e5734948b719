package account

// RememberedDevice is a client on which a sign-in of the user needs the first factor only. Its
// times, and the generations at that time, are those of [authority.Device].
type RememberedDevice struct {
	Client     string  `json:"c"`
	At         Instant `json:"t"`
	Ends       Instant `json:"e"`
	Generation uint32  `json:"g,omitempty"`
	Since      uint32  `json:"s,omitempty"`
	Wrong      int     `json:"w,omitempty"` // wrong first factors on it
}

// WireID returns the id that clients see.
func (d RememberedDevice) WireID() string { return prefixDevice + d.Client }

// Subject names the device in an audit entry.
func (d RememberedDevice) Subject() Subject { return Subject{Ref: "d" + d.Client} }
