package backend

import (
	"math"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
)

// SMSSettings are the settings of the SMS guard.
type SMSSettings struct {
	SMSDailyCap    float64            `json:"sms_daily_cap_usd"`
	SMSCountryCaps map[string]float64 `json:"sms_country_caps"`
	SMSPrices      map[string]float64 `json:"sms_prices"`
	SMSRecordOnly  bool               `json:"sms_record_only"`
}

func presentSMSSettings(s account.Settings) SMSSettings {
	return SMSSettings{SMSDailyCap: s.DailyCap().Dollars(), SMSCountryCaps: dollars(s.SMSCountryCaps), SMSPrices: dollars(s.SMSPrices)}
}

func dollars(amounts map[string]smsprice.Micros) map[string]float64 {
	out := map[string]float64{}
	for country, m := range amounts {
		out[country] = m.Dollars()
	}
	return out
}

func micros(amounts map[string]float64) map[string]smsprice.Micros {
	out := map[string]smsprice.Micros{}
	for country, usd := range amounts {
		out[country] = microsOf(usd)
	}
	return out
}

func microsOf(usd float64) smsprice.Micros {
	return smsprice.Micros(math.Round(usd * float64(smsprice.Dollar)))
}

// The bounds of amounts in US dollars. A free message would pass every cap, so the least price is a
// millionth. A cap of zero for all countries is sms_code switched off.
const (
	leastAmount = 0.000001
	mostPrice   = 100
	mostCap     = 1_000_000
)

func (in instanceInput) checkMoney() error {
	wrong := apierr.New(apierr.FormParamValueInvalid)
	if c := in.SMSDailyCap; c != nil && (*c < leastAmount || *c > mostCap) {
		return wrong.Param("sms_daily_cap_usd").Explain("A daily limit is an amount from 0.000001 to 1000000 US dollars.")
	}
	for country, c := range in.SMSCountryCaps {
		if !smsprice.IsCountry(country) {
			return wrong.Param("sms_country_caps").Explain(smsprice.NoCountry(country))
		}
		if c < 0 || c > mostCap {
			return wrong.Param("sms_country_caps").Explain("A daily limit is an amount from 0 to 1000000 US dollars.")
		}
	}
	for country, price := range in.SMSPrices {
		if !smsprice.IsCountry(country) {
			return wrong.Param("sms_prices").Explain(smsprice.NoCountry(country))
		}
		if price < leastAmount || price > mostPrice {
			return wrong.Param("sms_prices").Explain("A price is an amount from 0.000001 to 100 US dollars.")
		}
	}
	return nil
}

func (in instanceInput) applyMoney(s *account.Settings) {
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
