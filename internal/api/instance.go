package api

import (
	"net/url"
	"strings"

	"github.com/countersign-mfa/countersign/internal/apierr"
	"github.com/countersign-mfa/countersign/internal/mfa"
)

// Instance is the instance with its settings. Clerk keeps most of them in its dashboard; here they are part of the resource.
type Instance struct {
	Object                string   `json:"object"`
	ID                    string   `json:"id"`
	EnvironmentType       string   `json:"environment_type"`
	AllowedOrigins        []string `json:"allowed_origins"`
	TestMode              bool     `json:"test_mode"`
	SMSCode               bool     `json:"sms_code"`
	AuthenticatorApp      bool     `json:"authenticator_app"`
	BackupCodes           bool     `json:"backup_codes"`
	MFARequired           bool     `json:"mfa_required"`
	SMSCountries          []string `json:"sms_countries"`
	EnumerationProtection bool     `json:"enumeration_protection"`
	FirstFactorPhoneCode  bool     `json:"first_factor_phone_code"`
	IPLimits              bool     `json:"ip_limits"`
}

func (a *API) presentInstance(s mfa.Settings) Instance {
	return Instance{
		Object: "instance", ID: "ins_countersign", EnvironmentType: a.environmentType(), AllowedOrigins: append([]string{}, s.AllowedOrigins...),
		TestMode: s.TestMode, SMSCode: s.SMSCode, AuthenticatorApp: s.AuthenticatorApp, BackupCodes: s.BackupCodes,
		MFARequired: s.MFARequired, SMSCountries: append([]string{}, s.SMSCountries...), EnumerationProtection: s.EnumerationProtection,
		FirstFactorPhoneCode: s.FirstFactorPhoneCode, IPLimits: s.IPLimits,
	}
}

func (a *API) environmentType() string {
	if a.Development {
		return "development"
	}
	return "production"
}

func getInstance(a *API, c *call, _ empty) (Instance, error) {
	s, err := a.Service.Settings(c)
	return a.presentInstance(s), err
}

type instanceInput struct {
	AllowedOrigins        []string `body:"allowed_origins"`
	TestMode              *bool    `body:"test_mode"`
	SMSCode               *bool    `body:"sms_code"`
	AuthenticatorApp      *bool    `body:"authenticator_app"`
	BackupCodes           *bool    `body:"backup_codes"`
	MFARequired           *bool    `body:"mfa_required"`
	SMSCountries          []string `body:"sms_countries" doc:"ISO 3166 alpha-2"`
	EnumerationProtection *bool    `body:"enumeration_protection"`
	FirstFactorPhoneCode  *bool    `body:"first_factor_phone_code"`
	IPLimits              *bool    `body:"ip_limits"`
}

func (in instanceInput) check() error {
	for _, origin := range in.AllowedOrigins {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != origin {
			return apierr.New(apierr.FormParamFormatInvalid).Param("allowed_origins")
		}
	}
	for _, country := range in.SMSCountries {
		if len(country) != 2 || strings.Trim(country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return apierr.New(apierr.FormParamFormatInvalid).Param("sms_countries")
		}
	}
	return nil
}

func (in instanceInput) apply(s *mfa.Settings) {
	for _, f := range []struct{ to, from *bool }{
		{&s.TestMode, in.TestMode}, {&s.SMSCode, in.SMSCode}, {&s.AuthenticatorApp, in.AuthenticatorApp}, {&s.BackupCodes, in.BackupCodes},
		{&s.MFARequired, in.MFARequired}, {&s.EnumerationProtection, in.EnumerationProtection},
		{&s.FirstFactorPhoneCode, in.FirstFactorPhoneCode}, {&s.IPLimits, in.IPLimits},
	} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	if in.AllowedOrigins != nil {
		s.AllowedOrigins = in.AllowedOrigins
	}
	if in.SMSCountries != nil {
		s.SMSCountries = in.SMSCountries
	}
}

func updateInstance(a *API, c *call, in instanceInput) (noContent, error) {
	if err := in.check(); err != nil {
		return noContent{}, err
	}
	_, err := a.Service.ChangeSettings(c, in.apply)
	return noContent{}, err
}
