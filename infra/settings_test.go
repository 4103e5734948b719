package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/aws/restore"
)

// longOrigins are list items of 2,000 characters.
var longOrigins = func() string {
	var b strings.Builder
	for i := range 8 {
		b.WriteString("\n  - https://" + strings.Repeat(string(rune('b'+i))+".", 120) + "example.com")
	}
	return b.String()
}()

// TestWrongSettings: each wrong value stops the synth with a sentence that names the setting.
func TestWrongSettings(t *testing.T) {
	text, err := os.ReadFile("settings.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, new, says string }{
		"a name with a space":     {"name: countersign", "name: counter sign", "name: \"counter sign\" is not a stack name"},
		"a long app name":         {"app_name: Example", "app_name: An application with a very long name", "app_name"},
		"an app name with umlaut": {"app_name: Example", "app_name: Bürger", "app_name"},
		"an origin with a path":   {"https://app.example.com", "https://app.example.com/login", "is not an origin"},
		"an origin with a slash":  {"https://app.example.com", "https://app.example.com/", "is not an origin"},
		"no origins":              {"origins:\n  - https://app.example.com", "origins: []", "origins: there are 0"},
		"a host with a scheme":    {"sms_host: app", "sms_host: https://app", "sms_host"},
		"small country letters":   {"[US, CA]", "[us]", "countries: \"us\": A country is two capital letters"},
		"a country that is none":  {"[US, CA]", "[UK]", "The United Kingdom is GB"},
		"no countries":            {"[US, CA]", "[]", "countries: there are none"},
		"a price of nothing":      {"max_price: 0.10", "max_price: 0", "sms.max_price"},
		"a long sender":           {"# sender_id: EXAMPLE", "sender_id: EXAMPLE COMPANY", "sms.sender_id"},
		"a number without plus":   {"# number: \"+12065550100\"", "number: \"12065550100\"", "sms.number"},
		"less than none at once":  {"concurrency: 0", "concurrency: -1", "sms.concurrency"},
		"too many at once":        {"concurrency: 0", "concurrency: 101", "sms.concurrency"},
		"a long name":             {"name: countersign", "name: countersign-production", "has 22 characters and may have"},
		"days between":            {"log_days: 30", "log_days: 31", "log_days: 31 is not one of"},
		"a restore time in words": {"# restored_at: 2026-01-02T03:04:05Z", "restored_at: yesterday", "restored_at: \"yesterday\" is not a time"},
		"no mail":                 {"# alarm_mail: ops@example.com", "alarm_mail: ops", "alarm_mail"},
		"a certificate by name":   {"# domain:\n#   name: clerk.example.com\n#   certificate: arn", "domain:\n  name: clerk.example.com\n  certificate: x # arn", "domain.certificate"},
		"a colour in words":       {"#   accent: \"#1f5fbf\"", "  accent: blue", "appearance: "},
		"a setting unknown":       {"log_days: 30", "log_day: 30", ": there is no setting log_day; infra/settings.yaml has them all"},

		"a name with umlaut":            {"name: countersign", "name: münchen", "name: \"münchen\" is not a stack name"},
		"no name":                       {"name: countersign", "name:", "name: \"\" is not a stack name"},
		"a name twice":                  {"name: countersign", "name: a\nname: b", "name: it stands twice, in lines"},
		"a list for a name":             {"name: countersign", "name: [a]", "name: a list is not a text"},
		"a group for a name":            {"name: countersign", "name: {a: b}", "name: a group of settings is not a text"},
		"data of the service's name":    {"# data: countersign-data", "data: countersign", "data: \"countersign\" is the stack of the service"},
		"a long data name":              {"# data: countersign-data", "data: " + strings.Repeat("d", 51), "letters, digits and hyphens"},
		"a canary without data":         {"# canary: true", "canary: true", "data: a canary needs the name"},
		"a canary that backs up":        {"# canary: true", "canary: true\nbackup: {days: 1}\ndata: other", "canary: a canary makes no data"},
		"sam_local in words":            {"# sam_local: true", "sam_local: perhaps", "sam_local: perhaps is not true or false"},
		"a canary in words":             {"# canary: true", "canary: perhaps", "canary: perhaps is not true or false"},
		"an operator by name":           {"# key_operator: arn:aws:iam::111122223333:role/Operator", "key_operator: me", "key_operator: \"me\" is not the ARN"},
		"an operator of a group":        {"# key_operator: arn:aws:iam::111122223333:role/Operator", "key_operator: arn:aws:iam::111122223333:group/x", "key_operator"},
		"the whole account":             {"# key_operator: arn:aws:iam::111122223333:role/Operator", "key_operator: arn:aws:iam::111122223333:root", "key_operator"},
		"every role":                    {"# key_operator: arn:aws:iam::111122223333:role/Operator", "key_operator: arn:aws:iam::111122223333:role/*", "key_operator"},
		"a table's ARN as name":         {"# existing:", "existing: {table: \"arn:aws:dynamodb:eu-central-1:111122223333:table/x\"}", "existing.table: "},
		"a table without stream":        {"# existing:", "existing: {table: restored}", "existing.table_stream: \"\" is not the ARN of a stream of the table restored"},
		"a stream without table":        {"# existing:", "existing: {table_stream: x}", "existing.table_stream: there is no existing.table"},
		"another table's stream":        {"# existing:", "existing: {table: one, table_stream: \"arn:aws:dynamodb:eu-central-1:111122223333:table/two/stream/2026-01-02T03:04:05.678\"}", "existing.table_stream"},
		"a key's alias":                 {"# existing:", "existing: {sealing_key: \"arn:aws:kms:eu-central-1:111122223333:alias/x\"}", "existing.sealing_key"},
		"a key of another service":      {"# existing:", "existing: {sealing_key: \"arn:aws:acm:eu-central-1:111122223333:certificate/x\"}", "existing.sealing_key"},
		"a secret without its end":      {"# existing:", "existing: {secret: \"arn:aws:secretsmanager:eu-central-1:111122223333:secret:name\"}", "existing.secret"},
		"less than no backups":          {"# backup:", "backup: {days: -1}", "backup.days: -1 is not between"},
		"half a day":                    {"# backup:", "backup: {days: 0.5}", "backup.days: 0.5 is not a whole number"},
		"a copy of nothing":             {"# backup:", "backup: {copy_to: \"arn:aws:backup:eu-central-1:444455556666:backup-vault:x\"}", "backup.copy_to: nothing is backed up"},
		"a copy to a bucket":            {"# backup:", "backup: {days: 9, copy_to: \"arn:aws:s3:::x\"}", "backup.copy_to: \"arn:aws:s3:::x\""},
		"cold writes":                   {"# warm:", "warm: {reads: 12000, writes: 3999}", "warm.writes: 3999 is not between 4000"},
		"reads over the quota":          {"# warm:", "warm: {reads: 40001, writes: 4000}", "warm.reads: 40001"},
		"a warm table that exists":      {"# warm:", "existing: {table: one, table_stream: \"arn:aws:dynamodb:eu-central-1:111122223333:table/one/stream/2026-01-02T03:04:05.678\"}\nwarm: {reads: 12000, writes: 4000}", "warm: the table exists"},
		"an app name with a colon":      {"app_name: Example", "app_name: \"a:b\"", "app_name"},
		"a bus of a partner":            {"# event_bus: default", "event_bus: aws.partner/example.com/x", "event_bus: \"aws.partner/example.com/x\" is not the name of an event bus"},
		"a mail address in brackets":    {"# alarm_mail: ops@example.com", "alarm_mail: <ops@example.com>", "alarm_mail"},
		"an origin without a part":      {"  - https://app.example.com", "  - https://app..example.com", "is not an origin"},
		"an origin of a long part":      {"  - https://app.example.com", "  - https://" + strings.Repeat("a", 64) + ".com", "is not an origin"},
		"an origin of a wrong address":  {"  - https://app.example.com", "  - https://256.1.1.1", "is not an origin"},
		"an origin in wrong brackets":   {"  - https://app.example.com", "  - https://[::::]", "is not an origin"},
		"an origin by a long address":   {"  - https://app.example.com", "  - https://[0:0:0:0:0:0:0:1]", "is not an origin"},
		"a host of a long part":         {"sms_host: app.example.com", "sms_host: " + strings.Repeat("a", 64) + ".com", "sms_host"},
		"a host over one segment":       {"sms_host: app.example.com", "sms_host: " + strings.Repeat("a", 50) + "." + strings.Repeat("b", 59) + ".com", "of at most 112 characters"},
		"a price that SNS cannot read":  {"max_price: 0.10", "max_price: 0.00000001", "sms.max_price: 1e-08 is not between 0.001 and 5"},
		"an unchecked country twice":    {"unchecked: [US, CA]", "unchecked: [US, US, CA]", "sms.unchecked: \"US\" stands twice"},
		"a rate of almost nothing":      {"rate: 500", "rate: 1e-300", "throttle.rate: 1e-300 is not between 0.01"},
		"a canary that keeps warm":      {"keep_warm: false", "keep_warm: true\ncanary: true\ndata: other", "keep_warm: a canary has no schedules"},
		"data of one letter":            {"# data: countersign-data", "data: d", "data: \"d\" is not a stack name of 2 to 50"},
		"data of the web ACL's name":    {"# data: countersign-data", "data: countersign-edge", "data: \"countersign-edge\" is the stack of the service or of its web ACL"},
		"an operator of a path alone":   {"# key_operator: arn:aws:iam::111122223333:role/Operator", "key_operator: arn:aws:iam::111122223333:role//", "key_operator"},
		"a long operator":               {"# key_operator: arn:aws:iam::111122223333:role/Operator", "key_operator: arn:aws:iam::111122223333:role/" + strings.Repeat("x", 65), "key_operator"},
		"a fraction of another setting": {"log_days: 30\n", "log_days: &days 30.5\n", "log_days: 30.5 is not a whole number"},
		"a fraction by its anchor":      {"rate: 500\n  burst: 1000", "rate: &r 500.5\n  burst: *r", "throttle.burst: 500.5 is not a whole number"},
		"a number with a line end":      {"log_days: 30", "log_days: \"a\\nb\"", "log_days: a b is not a whole number"},
		"a number with a tag":           {"log_days: 30", "log_days: !days 30", "log_days: 30 is not a whole number"},
		"a group for a key":             {"log_days: 30", "log_days: 30\n? {a: b}\n: c", "a group of settings is not a text"},
		"half a day of logs":            {"log_days: 30", "log_days: 30.5", "log_days: 30.5 is not a whole number"},
		"an app name of spaces":         {"app_name: Example", "app_name: \" \"", "app_name"},
		"an app name with a line end":   {"app_name: Example", "app_name: \"a\\nb\"", "app_name"},
		"an origin twice":               {"  - https://app.example.com", "  - https://app.example.com\n  - https://app.example.com", "origins: \"https://app.example.com\" stands twice"},
		"an origin in capitals":         {"  - https://app.example.com", "  - https://App.example.com", "is not an origin"},
		"an origin with a wildcard":     {"  - https://app.example.com", "  - https://*.example.com", "is not an origin"},
		"an origin with umlaut":         {"  - https://app.example.com", "  - https://bücher.example.com", "is not an origin"},
		"an origin with its port":       {"  - https://app.example.com", "  - https://app.example.com:443", "is not an origin"},
		"an origin with a great port":   {"  - https://app.example.com", "  - https://app.example.com:65536", "is not an origin"},
		"an origin of an app":           {"  - https://app.example.com", "  - file://app", "is not an origin"},
		"no origin in the list":         {"  - https://app.example.com", "  -", "origins: there are 0"},
		"origins longer than they may":  {"  - https://app.example.com", "  - https://" + strings.Repeat("a.", 120) + "example.com" + longOrigins, "origins: they have more than 2000 characters"},
		"a long host":                   {"sms_host: app.example.com", "sms_host: " + strings.Repeat("a.", 130) + "com", "sms_host"},
		"one text for countries":        {"[US, CA]", "US", "countries: US is not a list of texts"},
		"a country twice":               {"[US, CA]", "[US, CA, US]", "countries: \"US\" stands twice"},
		"no price":                      {"max_price: 0.10", "max_price: .nan", "sms.max_price: NaN is not between"},
		"a price in words":              {"max_price: 0.10", "max_price: ten cents", "sms.max_price: ten cents is not a number"},
		"less than no price":            {"max_price: 0.10", "max_price: -0.1", "sms.max_price: -0.1 is not between"},
		"a budget without end":          {"monthly_budget: 50", "monthly_budget: .inf", "sms.monthly_budget: +Inf is not between"},
		"half a function":               {"concurrency: 0", "concurrency: 0.5", "sms.concurrency: 0.5 is not a whole number"},
		"a required factor in words":    {"mfa_required: false", "mfa_required: maybe", "mfa_required: maybe is not true or false"},
		"a rate without end":            {"rate: 500", "rate: .inf", "throttle.rate: +Inf is not between"},
		"a rate that is no number":      {"rate: 500", "rate: .nan", "throttle.rate: NaN is not between"},
		"a rate in words":               {"rate: 500", "rate: many", "throttle.rate: many is not a number"},
		"a burst of nothing":            {"burst: 1000", "burst: 0", "throttle.burst: 0 is not between"},
		"a long mail address":           {"# alarm_mail: ops@example.com", "alarm_mail: " + strings.Repeat("o", 250) + "@example.com", "alarm_mail"},
		"two mail addresses":            {"# alarm_mail: ops@example.com", "alarm_mail: a@example.com, b@example.com", "alarm_mail"},
		"a bus by ARN":                  {"# event_bus: default", "event_bus: arn:aws:events:eu-central-1:111122223333:event-bus/x", "event_bus"},
		"a restore of a day":            {"# restored_at: 2026-01-02T03:04:05Z", "restored_at: 2026-01-02", "restored_at: \"2026-01-02\" is not a time"},
		"a logo without https":          {"#   logo: https:", "  logo: http:", "appearance: "},
		"another document":              {"log_days: 30", "log_days: 30\n---\nname: other", "more than one YAML document"},
		"no YAML":                       {"log_days: 30", "log_days: [30", "the file is not YAML"},
		"no throttle":                   {"rate: 500", "rate: 0", "throttle.rate"},
		"a sender id of digits":         {"# sender_id: EXAMPLE", "sender_id: \"12345\"", "sms.sender_id: \"12345\" is not 1 to 11 letters and digits with a letter"},
		"a sender id with a hyphen":     {"# sender_id: EXAMPLE", "sender_id: EX-AMPLE", "sms.sender_id"},
		"a range of another country":    {"# sender_id: EXAMPLE", "number_ranges: [+4999xxxxxxxx DE mobile, +8160xxxxxxxx US mobile]", "sms.number_ranges: line 2, \"+8160xxxxxxxx US mobile\": the country is two letters"},
		"a range without its country":   {"# sender_id: EXAMPLE", "number_ranges: [+8160xxxxxxxx]", "sms.number_ranges: line 1, \"+8160xxxxxxxx\": write a range, a country and a line"},
		"one text for ranges":           {"# sender_id: EXAMPLE", "number_ranges: +8160xxxxxxxx JP mobile", "sms.number_ranges: +8160xx... is not a list of texts"},
		"ranges longer than they may":   {"# sender_id: EXAMPLE", "number_ranges:" + strings.Repeat("\n    - +8160xxxxxxxx JP mobile", 30), "sms.number_ranges: they have more than 700 characters"},
		"a country without its number":  {"unchecked: [US, CA]", "unchecked: [CA]", "sms.number: US needs a registered number"},
		"a country without its sender":  {"[US, CA]", "[US, CA, SG]", "sms.sender_id: SG needs a registered sender id"},
		"a country over the price":      {"[US, CA]", "[US, CA, DE]", "sms.max_price: a message to DE costs about 0.14 US dollars and may cost 0.1, so SNS would drop it; allow 0.14"},
		"a country of unknown price":    {"[US, CA]", "[US, CA, AQ, CU]", "sms.max_price: the price of a message to CU is not known"},
		"an unchecked country too many": {"unchecked: [US, CA]", "unchecked: [US, CA, DE]", "sms.unchecked: \"DE\" is not one of countries"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(string(text), c.old, c.new, 1)
			if changed == string(text) {
				t.Fatalf("settings.yaml has no %q", c.old)
			}
			file := filepath.Join(t.TempDir(), "settings.yaml")
			if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := ReadSettings(file)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("%v, want a sentence with %q", err, c.says)
			}
			if said := err.Error(); !strings.HasPrefix(said, file+":\n  ") || strings.Contains(said, " main.") || strings.Contains(said, "!!") {
				t.Errorf("the error does not begin with the file, or has names of the program: %s", said)
			}
		})
	}
}

// TestRightSettings: rare values that AWS accepts do not stop the synth.
func TestRightSettings(t *testing.T) {
	text, err := os.ReadFile("settings.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, new string }{
		"a domain of another script": {"sms_host: app.example.com", "sms_host: app.xn--p1ai"},
		"the longest host":           {"sms_host: app.example.com", "sms_host: " + strings.Repeat("a", 50) + "." + strings.Repeat("b", 57) + ".com"},
		"origins by address":         {"  - https://app.example.com", "  - http://[::1]:3000\n  - http://127.0.0.1:3000\n  - http://localhost:3000"},
		"an operator with a path":    {"# key_operator: arn:aws:iam::111122223333:role/Operator", "key_operator: arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_x_1"},
		"a bus":                      {"# event_bus: default", "event_bus: Orders_1.prod-eu"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "settings.yaml")
			if err := os.WriteFile(file, []byte(strings.Replace(string(text), c.old, c.new, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := ReadSettings(file); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSettingsOfAnotherPlace: what another region or account has cannot be used, and a restore in
// the future would refuse every session.
func TestSettingsOfAnotherPlace(t *testing.T) {
	here, now := Env{Account: "111122223333", Region: "eu-central-1"}, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		change func(*Settings)
		env    Env
		says   string
	}{
		"a certificate for CloudFront": {
			func(s *Settings) { s.Domain.Certificate = "arn:aws:acm:us-east-1:111122223333:certificate/x" }, here,
			"domain.certificate: it is in us-east-1 and the deployment in eu-central-1",
		},
		"a key of another account": {
			func(s *Settings) { s.Existing.SealingKey = "arn:aws:kms:eu-central-1:444455556666:key/x" }, here,
			"existing.sealing_key: it is of the account 444455556666",
		},
		"an operator of another partition": {func(s *Settings) { s.KeyOperator = "arn:aws-cn:iam::111122223333:role/x" }, here, "key_operator: it begins with arn:aws-cn and must begin with arn:aws,"},
		"a vault of its own": {
			func(s *Settings) {
				s.Backup = Backup{Days: 1, CopyTo: "arn:aws:backup:eu-central-1:111122223333:backup-vault:countersign-data"}
			}, here, "backup.copy_to: arn:aws:backup:eu-central-1:111122223333:backup-vault:countersign-data is the vault of the backups themselves",
		},
		"a vault of another region": {
			func(s *Settings) {
				s.Backup = Backup{Days: 1, CopyTo: "arn:aws:backup:eu-west-1:111122223333:backup-vault:countersign-data"}
			}, here, "",
		},
		"an operator of another account": {func(s *Settings) { s.KeyOperator = "arn:aws:iam::444455556666:role/x" }, here, "key_operator: "},
		"an operator of this account":    {func(s *Settings) { s.KeyOperator = "arn:aws:iam::111122223333:role/x" }, here, ""},
		"a place unknown":                {func(s *Settings) { s.Domain.Certificate = "arn:aws:acm:us-east-1:111122223333:certificate/x" }, Env{}, ""},
		"a restore tomorrow":             {func(s *Settings) { s.RestoredAt = "2026-01-03T03:04:05Z" }, here, "restored_at: 2026-01-03T03:04:05Z is in the future"},
		"a restore just now":             {func(s *Settings) { s.RestoredAt = "2026-01-02T03:04:05Z" }, here, ""},
		"the example":                    {func(*Settings) {}, here, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := example()
			c.change(&s)
			err := s.CheckNow(c.env, now)
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}

// TestEmptySettings: an empty file is not an instance with default settings.
func TestEmptySettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "settings.yaml")
	for _, text := range []string{"", "# nothing\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadSettings(file); err == nil || !strings.Contains(err.Error(), "has no settings") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestTheLinesOfARestoreAreSettings: an operator puts what countersign-tools restore prints into
// the file.
func TestTheLinesOfARestoreAreSettings(t *testing.T) {
	text, err := os.ReadFile("settings.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const stream = "arn:aws:dynamodb:eu-central-1:111122223333:table/restored/stream/2026-01-02T03:04:05.678"
	lines := restore.Settings("restored", stream, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	file := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(file, append(text, "\n"+lines...), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := ReadSettings(file)
	if err != nil || s.Existing.Table != "restored" || s.Existing.TableStream != stream || s.RestoredAt != "2026-01-02T03:04:05Z" {
		t.Errorf("%v, %+v, %s", err, s.Existing, s.RestoredAt)
	}
}

// TestAddedRanges: the variable of the functions has the ranges without comments, and the age of
// the numbering plans counts them beside that of the build.
func TestAddedRanges(t *testing.T) {
	s := SMS{NumberRanges: []string{"+4410xxxxxxxx  GB mobile # new", "+4999xxxxxxxx DE mobile"}}
	if got := s.addedRanges(); got != "+4410xxxxxxxx GB mobile,+4999xxxxxxxx DE mobile" {
		t.Errorf("the variable is %q", got)
	}
	if got := s.plansAge(); !strings.HasSuffix(got, ", 3 added ranges") {
		t.Errorf("the age is %q", got)
	}
}
