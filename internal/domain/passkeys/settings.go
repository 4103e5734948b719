package passkeys

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"regexp"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/passkey"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// AndroidApp is an Android app that may use passkeys: its package and the certificate that signed
// it.
type AndroidApp struct {
	Package     string
	Fingerprint string // SHA-256 of the certificate: 32 bytes in hexadecimal digits with colons
	digest      []byte
}

// ParseAndroidApp reads an entry of the setting passkey_android_apps:
// com.example.app/14:6D:E9:…, a package and the fingerprint that keytool and Google Play show.
func ParseAndroidApp(text string) (AndroidApp, bool) {
	name, fingerprint, _ := strings.Cut(text, "/")
	digest, err := hex.DecodeString(strings.ReplaceAll(fingerprint, ":", ""))
	if err != nil || len(digest) != sha256.Size || len(fingerprint) != 3*sha256.Size-1 || !androidPackage.MatchString(name) || len(name) > 255 {
		return AndroidApp{}, false
	}
	return AndroidApp{name, strings.ToUpper(fingerprint), digest}, true
}

// origin is the origin that Android puts into an answer: developer.android.com, "Verify the
// origin".
func (a AndroidApp) origin() string {
	return "android:apk-key-hash:" + base64.RawURLEncoding.EncodeToString(a.digest)
}

var (
	// androidPackage is the form of an application id: developer.android.com, "Configure the app
	// module".
	androidPackage = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+$`)
	// appleApp is a team id and a bundle id: developer.apple.com, "Supporting associated domains".
	appleApp = regexp.MustCompile(`^[A-Z0-9]{10}\.[A-Za-z0-9.-]{1,155}$`)
)

// IsAppleApp reports whether an entry of the setting passkey_apple_apps has the right form:
// ABCDE12345.com.example.app, a team id and a bundle id.
func IsAppleApp(text string) bool { return appleApp.MatchString(text) }

// AndroidApps returns the Android apps of the settings.
func AndroidApps(set *account.Settings) []AndroidApp {
	var apps []AndroidApp
	for _, text := range set.PasskeyAndroidApps {
		if app, ok := ParseAndroidApp(text); ok {
			apps = append(apps, app)
		}
	}
	return apps
}

// CheckRPID refuses an RP id that is no domain, or to which a page of an allowed origin does not
// belong: a browser uses passkeys on pages of the RP id and its subdomains only. Pages of this
// machine and origins of native apps are left out. "" is no RP id of the settings.
func CheckRPID(id string, origins []string) error {
	if id == "" {
		return nil
	}
	if _, err := passkey.NewRelyingParty(id, "", "https://"+id); err != nil {
		return apierr.New(apierr.FormParamFormatInvalid).Param("passkey_rp_id").Explain("The RP id is a domain in lower case without scheme and port, such as example.com, or localhost.")
	}
	for _, origin := range origins {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "localhost" {
			continue
		}
		if host := u.Hostname(); host != id && !strings.HasSuffix(host, "."+id) {
			return apierr.New(apierr.FormParamValueInvalid).Param("passkey_rp_id").Explain("The RP id must be the domain of each origin in allowed_origins, or one above it.")
		}
	}
	return nil
}
