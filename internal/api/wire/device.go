package wire

import (
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/sessions"
)

// Activity is the device that last used a session.
type Activity struct {
	Object         string `json:"object"`
	ID             string `json:"id"`
	BrowserName    string `json:"browser_name"`
	BrowserVersion string `json:"browser_version"` // the major version
	// DeviceType is the system, in the words of Clerk's components; of an unknown one it is mobile or
	// desktop.
	DeviceType string `json:"device_type"`
	IsMobile   bool   `json:"is_mobile"`
	// IPAddress is the network: a /24, or a /48 for IPv6. No more of an address is kept.
	IPAddress string `json:"ip_address"`
	// City is always unknownCity, and Clerk's country is left out.
	City string `json:"city"`
}

// unknownCity is the city of every device, because no address is looked up. Clerk's <UserProfile/>
// shows a device's city and country in parentheses after its address, also when there is neither.
const unknownCity = "location unknown"

// browsers are the signs of browsers in a User-Agent, in this order: Edge and Opera also name
// Chrome, and Chrome names Safari, whose version has a sign of its own.
var browsers = []struct{ name, sign string }{
	{"Edge", "Edg/"}, {"Edge", "EdgA/"}, {"Edge", "EdgiOS/"}, {"Opera", "OPR/"}, {"Samsung Internet", "SamsungBrowser/"},
	{"Firefox", "Firefox/"}, {"Firefox", "FxiOS/"}, {"Chrome", "Chrome/"}, {"Chrome", "CriOS/"}, {"Safari", "Version/"}, {"Safari", "Safari/"},
	{"Android app", "okhttp"}, {"iOS app", "CFNetwork"},
}

// systems are the signs of systems in a User-Agent, in this order: Android also names Linux, and an
// iPhone "like Mac OS X". An iPad names itself as a Macintosh unless it is told otherwise.
var systems = []struct {
	sign, name string
	mobile     bool
}{
	{"iPhone", "iPhone", true}, {"iPad", "iPad", true}, {"Android", "Android", true}, {"okhttp", "Android", true}, {"CFNetwork", "iOS", true},
	{"Windows", "Windows", false}, {"Macintosh", "Macintosh", false}, {"CrOS", "ChromeOS", false}, {"Linux", "Linux", false},
}

// NewSessionActivity returns a session with the device that last used it.
func NewSessionActivity(r sessions.Result) SessionActivity {
	session := NewSession(r.Session, r.User, r.Snapshot)
	session.User = nil
	return SessionActivity{Session: session, LatestActivity: activityOf(&r)}
}

// activityOf returns the device that last used a session.
func activityOf(r *sessions.Result) Activity {
	activity := deviceOf(r.Session.Agent)
	activity.Object, activity.ID = "session_activity", "sess_activity_"+r.Session.ID[len(r.Session.ID)-26:]
	activity.IPAddress, activity.City = r.Session.Network, unknownCity
	return activity
}

// deviceOf reads a User-Agent.
func deviceOf(agent string) (out Activity) {
	for _, b := range browsers {
		_, rest, named := strings.Cut(agent, b.sign)
		if !named {
			continue
		}
		out.BrowserName = b.name
		if strings.HasSuffix(b.sign, "/") && b.sign != "Safari/" { // Safari/ is followed by a build
			out.BrowserVersion = rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
		}
		break
	}
	for _, s := range systems {
		if strings.Contains(agent, s.sign) {
			out.DeviceType, out.IsMobile = s.name, s.mobile
			return out
		}
	}
	out.DeviceType = "desktop"
	if out.IsMobile = strings.Contains(agent, "Mobile"); out.IsMobile {
		out.DeviceType = "mobile"
	}
	return out
}
