package cost

// The prices of CloudFront and AWS WAF, which a deployment pays with the setting edge only.
var (
	EdgeRequest = Price{"CloudFront", 0.01, 10_000, "HTTPS requests", "cloudfront/pricing"}
	ACL         = Price{"WAF, web ACLs", 5.00, 1, "web ACLs", "waf/pricing"}
	ACLRule     = Price{"WAF, rules", 1.00, 1, "rules", "waf/pricing"}
	ACLRequest  = Price{"WAF, requests", 0.60, 1e6, "requests", "waf/pricing"}
)

// EdgeRules is the number of rules of the web ACL that `make acl` makes, without blocked countries.
const EdgeRules = 3

// Edge returns what the setting edge adds in a month, and for each million requests.
func Edge() (fixed, million Use) {
	return Use{ACL: 1, ACLRule: EdgeRules, Secret: 1}, Use{EdgeRequest: 1e6, ACLRequest: 1e6}
}
