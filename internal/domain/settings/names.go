package settings

import (
	"reflect"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// wireNames maps the stored name of a setting to its name on the wire. It follows from the tags
// of [account.Settings].
var wireNames = func() map[string]string {
	names := map[string]string{}
	for field := range reflect.TypeFor[account.Settings]().Fields() {
		if wire := field.Tag.Get("wire"); wire != "" {
			names[storedName(field)] = wire
		}
	}
	return names
}()

func storedName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

// Names returns the names on the wire of settings that audit entries and events list by their
// stored names.
func Names(stored []string) []string {
	names := make([]string, len(stored))
	for i, name := range stored {
		names[i] = wireNames[name]
	}
	return names
}

// Changed returns the stored names of the settings that differ between two states.
func Changed(one, other *account.Settings) []string {
	var names []string
	a, b := reflect.ValueOf(one).Elem(), reflect.ValueOf(other).Elem()
	for field := range a.Type().Fields() {
		differ := !reflect.DeepEqual(a.FieldByIndex(field.Index).Interface(), b.FieldByIndex(field.Index).Interface())
		if field.Tag.Get("wire") != "" && differ {
			names = append(names, storedName(field))
		}
	}
	return names
}

// smsLimits are the stored names of the settings that limit the quotas of SMS.
var smsLimits = []string{"cap", "caps", "recordonly", "unverified", "unverifiedcountry", "unverifiedblock", "fixed"}

// limitSMS reports whether one of the settings, by their stored names, limits SMS.
func limitSMS(stored []string) bool {
	return slices.ContainsFunc(stored, func(name string) bool { return slices.Contains(smsLimits, name) })
}
