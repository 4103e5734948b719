package lambdahost_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

// whole returns an environment in which nothing is missing.
func whole() map[string]string {
	return map[string]string{
		lambdahost.EnvTable: "table", lambdahost.EnvKey: "arn:aws:kms:eu-central-1:111122223333:key/1", lambdahost.EnvURL: "https://clerk.example.com",
		lambdahost.EnvAppName: "Example", lambdahost.EnvPublishableKey: "pk_live_x", lambdahost.EnvSMSHost: "example.com",
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "hidden-value",
	}
}

func TestReadEnvironment(t *testing.T) {
	for name, c := range map[string]struct {
		change map[string]string
		says   []string // part of the error; empty means that the environment is valid
	}{
		"whole":                          {},
		"origins":                        {change: map[string]string{lambdahost.EnvOrigins: "https://a.example,https://b.example"}},
		"no table":                       {map[string]string{lambdahost.EnvTable: ""}, []string{"COUNTERSIGN_TABLE is not set"}},
		"two things at once":             {map[string]string{lambdahost.EnvTable: "", lambdahost.EnvKey: ""}, []string{"COUNTERSIGN_TABLE", "COUNTERSIGN_KEY"}},
		"no credentials":                 {map[string]string{"AWS_SECRET_ACCESS_KEY": ""}, []string{"AWS_SECRET_ACCESS_KEY"}},
		"a URL that ends in slash":       {map[string]string{lambdahost.EnvURL: "https://clerk.example.com/"}, []string{"COUNTERSIGN_URL"}},
		"a URL without a host":           {map[string]string{lambdahost.EnvURL: "clerk"}, []string{"COUNTERSIGN_URL"}},
		"a price in words":               {map[string]string{lambdahost.EnvMaxPrice: "cheap"}, []string{"COUNTERSIGN_SMS_MAX_PRICE"}},
		"a price below nothing":          {map[string]string{lambdahost.EnvMaxPrice: "-1"}, []string{"COUNTERSIGN_SMS_MAX_PRICE"}},
		"CloudFront in front":            {change: map[string]string{lambdahost.EnvEdge: lambdahost.EdgeRequired}},
		"a word for CloudFront":          {map[string]string{lambdahost.EnvEdge: "true"}, []string{"COUNTERSIGN_EDGE"}},
		"a restore time of another form": {map[string]string{lambdahost.EnvRestoredAt: "yesterday"}, []string{"COUNTERSIGN_RESTORED_AT"}},
	} {
		t.Run(name, func(t *testing.T) {
			env := whole()
			maps.Copy(env, c.change)
			e, err := lambdahost.ReadEnvironment(func(name string) string { return env[name] })
			if len(c.says) == 0 && (err != nil || e.Table != "table") {
				t.Errorf("%v", err)
			}
			for _, word := range c.says {
				if err == nil || !strings.Contains(err.Error(), word) {
					t.Errorf("%v, want a sentence with %s", err, word)
				}
			}
			if err != nil && strings.Contains(err.Error(), "hidden-value") {
				t.Error("the error holds a credential")
			}
		})
	}
}
