package sms

import (
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// AppName is what a text message calls it: the settings' name if a message can hold every letter of it.
func AppName(s *account.Settings, deployed string) string {
	if s.Appearance.Name != "" && strings.Trim(s.Appearance.Name, gsmSafe) == "" {
		return s.Appearance.Name
	}
	return deployed
}
