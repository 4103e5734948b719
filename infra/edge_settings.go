package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
)

// Edge puts CloudFront with a WAF in front of the API.
type Edge struct {
	Certificate string   `yaml:"certificate"`
	ACL         string   `yaml:"acl"`
	Required    bool     `yaml:"required"`
	Secret      int      `yaml:"secret"`
	Rate        int      `yaml:"rate"`
	Blocked     []string `yaml:"blocked_countries"`
}

// Defaults and bounds of [Edge].
const (
	edgeRegion = "us-east-1" // of CloudFront's certificates and web ACLs
	edgeRate   = 2000
	leastRate  = 10 // of a rate rule of AWS WAF
	mostRate   = 2_000_000_000
	mostSecret = 99_999_999 // digits in the id of a version
	// mostBlocked is the greatest number of countries in a rule of AWS WAF:
	// https://docs.aws.amazon.com/waf/latest/APIReference/API_GeoMatchStatement.html
	mostBlocked = 50
)

var (
	edgeCertForm = regexp.MustCompile(`^arn:aws:acm:us-east-1:[0-9]{12}:certificate/[a-zA-Z0-9-]+$`)
	aclForm      = regexp.MustCompile(`^arn:aws:wafv2:us-east-1:[0-9]{12}:global/webacl/[a-zA-Z0-9_-]+/[a-zA-Z0-9-]+$`)
)

// mode returns the value of [lambdahost.EnvEdge].
func (e *Edge) mode() string {
	switch {
	case e == nil:
		return ""
	case e.Required:
		return lambdahost.EdgeRequired
	default:
		return lambdahost.EdgeBelieved
	}
}

// version returns the id of the version of CloudFront's secret. Secrets Manager takes 32 to 64
// characters.
func (e *Edge) version() string {
	return fmt.Sprintf("countersign-edge-secret-version-%08d", max(e.Secret, 1))
}

// rate returns how many requests of one address the WAF lets through in five minutes.
func (e *Edge) rate() int {
	if e.Rate == 0 {
		return edgeRate
	}
	return e.Rate
}

func (e *Edge) check(domain Domain) error {
	var wrong []error
	rule := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf("  edge"+format, args...))
		}
	}
	rule(domain != Domain{}, ": it needs domain, because CloudFront's own name allows TLS 1.0 and is in no site of yours")
	rule(edgeCertForm.MatchString(e.Certificate), ".certificate: %q is not the ARN of a certificate of AWS Certificate Manager in %s, where CloudFront takes it from", e.Certificate, edgeRegion)
	rule(e.ACL == "" || aclForm.MatchString(e.ACL), ".acl: %q is not the ARN of a web ACL as in arn:aws:wafv2:%s:111122223333:global/webacl/…; `make acl` makes one", e.ACL, edgeRegion)
	rule(e.Secret >= 0 && e.Secret <= mostSecret, ".secret: %d is not between 1 and %d", e.Secret, mostSecret)
	rule(e.Rate == 0 || e.Rate >= leastRate && e.Rate <= mostRate, ".rate: %d is not between %d and %d requests in five minutes", e.Rate, leastRate, mostRate)
	rule(len(e.Blocked) <= mostBlocked, ".blocked_countries: there are %d, and a rule of AWS WAF has at most %d", len(e.Blocked), mostBlocked)
	rule(twice(e.Blocked) == "", ".blocked_countries: %q stands twice", twice(e.Blocked))
	for _, c := range e.Blocked {
		rule(smsprice.IsCountry(c), ".blocked_countries: %q: %s", c, smsprice.NoCountry(c))
	}
	return errors.Join(wrong...)
}

// errNoEdge stops `make acl` without the settings that it reads.
var errNoEdge = errors.New("  edge: it is missing; `make acl` makes the web ACL that edge.acl names")

// complete returns the rules that an edge breaks in an account and that hold for a deployment, not
// for `make acl`: without a web ACL, CloudFront would stand in front without its WAF.
func (e *Edge) complete(env Env) error {
	if e == nil {
		return nil
	}
	if e.ACL == "" {
		return errors.New("  edge.acl: it is missing; `make acl` makes a web ACL and prints its ARN")
	}
	var wrong []error
	for _, of := range []struct{ key, arn string }{{"edge.certificate", e.Certificate}, {"edge.acl", e.ACL}} {
		if env.Account != "" && !strings.Contains(of.arn, ":"+env.Account+":") {
			wrong = append(wrong, fmt.Errorf("  %s: it is not of the account %s of the deployment; both must be of one account", of.key, env.Account))
		}
	}
	return errors.Join(wrong...)
}
