package backend

import (
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/passkeys"
)

// checkApps checks the native apps of the request.
func (in instanceInput) checkApps() error {
	if slices.ContainsFunc(in.PasskeyAppleApps, func(app string) bool { return !passkeys.IsAppleApp(app) }) {
		return apierr.New(apierr.FormParamFormatInvalid).Param("passkey_apple_apps").Explain("An iOS app is a team id and a bundle id, such as ABCDE12345.com.example.app.")
	}
	for _, app := range in.PasskeyAndroidApps {
		if _, ok := passkeys.ParseAndroidApp(app); !ok {
			return apierr.New(apierr.FormParamFormatInvalid).Param("passkey_android_apps").Explain("An Android app is a package, a slash and a SHA-256 fingerprint with colons.")
		}
	}
	return nil
}

// checkRPID checks the settings after the request, if it changes what decides on the RP id.
func (in instanceInput) checkRPID(s *account.Settings) error {
	if in.PasskeyRPID == nil && in.AllowedOrigins == nil {
		return nil
	}
	return passkeys.CheckRPID(s.PasskeyRPID, s.AllowedOrigins)
}
