package settings

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
)

// longestValue is the length in bytes of the longest value that an audit entry holds. The entry
// stands in the record of the settings, which every process reads.
const longestValue = 160

// values returns the value of each setting before a change and then after it, as the API
// shows them. The settings are given by their stored names. Both values of a long one are null.
func values(before, after *account.Settings, stored []string) []json.RawMessage {
	var out []json.RawMessage
	for _, name := range stored {
		from, to := value(before, name), value(after, name)
		if max(len(from), len(to)) > longestValue {
			from, to = nil, nil
		}
		out = append(out, from, to)
	}
	return out
}

// value returns a setting as the API shows it, by its stored name. The appearance, the template of
// claims and the webhook endpoints are left out: they are long, or have secrets.
func value(s *account.Settings, stored string) json.RawMessage {
	var shown any
	switch stored {
	case "brand", "claims", "hooks":
		return nil
	case "quiet":
		shown = !s.QuietChanges
	case "cap":
		shown = s.DailyCap().Dollars()
	case "caps":
		shown = inDollars(s.SMSCountryCaps)
	case "prices":
		shown = inDollars(s.SMSPrices)
	case "unverified":
		shown = s.Unverified().Instance
	case "unverifiedcountry":
		shown = s.Unverified().Country
	case "unverifiedblock":
		shown = s.Unverified().Block
	default:
		for field, value := range reflect.ValueOf(s).Elem().Fields() {
			if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name == stored {
				shown = value.Interface()
				if value.Kind() == reflect.Slice && value.IsNil() {
					shown = []string{}
				}
			}
		}
	}
	out, err := json.Marshal(shown)
	if err != nil {
		panic("settings: a setting is plain data: " + err.Error())
	}
	return out
}

func inDollars(amounts map[string]smsprice.Micros) map[string]float64 {
	out := map[string]float64{}
	for country, amount := range amounts {
		out[country] = amount.Dollars()
	}
	return out
}
