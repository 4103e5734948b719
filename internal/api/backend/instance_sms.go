package backend

import (
	"math"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
)

// SMSSettings are the settings of messages and of the SMS guard.
type SMSSettings struct {
	SMSName              string             `json:"sms_name"`
	SMSDailyCap          float64            `json:"sms_daily_cap_usd"`
	SMSCountryCaps       map[string]float64 `json:"sms_country_caps"`
	SMSPrices            map[string]float64 `json:"sms_prices"`
	SMSRecordOnly        bool               `json:"sms_record_only"`
	SMSUnverified        int                `json:"sms_unverified_hourly"`
	SMSUnverifiedCountry int                `json:"sms_unverified_country_hourly"`
	SMSUnverifiedBlock   int                `json:"sms_unverified_block_hourly"`
	SMSFixedLimits       bool               `json:"sms_fixed_limits"`
}

func presentSMSSettings(s *account.Settings) SMSSettings {
	unverified := s.Unverified()
	return SMSSettings{
		SMSName: s.SMSName, SMSDailyCap: s.DailyCap().Dollars(), SMSCountryCaps: dollars(s.SMSCountryCaps), SMSPrices: dollars(s.SMSPrices), SMSRecordOnly: s.SMSRecordOnly,
		SMSUnverified: unverified.Instance, SMSUnverifiedCountry: unverified.Country, SMSUnverifiedBlock: unverified.Block, SMSFixedLimits: s.SMSFixedLimits,
	}
}

func dollars(amounts map[string]smsprice.Micros) map[string]float64 {
	out := map[string]float64{}
	for country, m := range amounts {
		out[country] = m.Dollars()
	}
	return out
}

func micros(amounts map[country]float64) map[string]smsprice.Micros {
	out := map[string]smsprice.Micros{}
	for country, usd := range amounts {
		out[string(country)] = microsOf(usd)
	}
	return out
}

func microsOf(usd float64) smsprice.Micros {
	return smsprice.Micros(math.Round(usd * float64(smsprice.Dollar)))
}

func (in instanceInput) applySMS(s *account.Settings) {
	if in.SMSCountries != nil {
		s.SMSCountries = []string{}
	}
	for _, c := range in.SMSCountries {
		s.SMSCountries = append(s.SMSCountries, string(c))
	}
	if in.SMSDailyCap != nil {
		s.SMSDailyCap = microsOf(*in.SMSDailyCap)
	}
	if in.SMSCountryCaps != nil {
		s.SMSCountryCaps = micros(in.SMSCountryCaps)
	}
	if in.SMSPrices != nil {
		s.SMSPrices = micros(in.SMSPrices)
	}
}
