package lambdalocal

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/api/operation"
)

// Slash says how a gateway treats a path that ends in a slash. Reports about HTTP APIs differ, so
// tests try every way.
type Slash string

// Ways to treat a slash at the end.
const (
	// Strict matches /x/ with a greedy route /x/{y+} only (storacha/w3infra, pull request 166).
	Strict Slash = "strict"
	// Literal matches /x/ with no route but $default: a greedy parameter needs a child.
	Literal Slash = "literal"
	// Strips matches /x/ with the route /x, and removes the slash from the event's path
	// (aws-powertools/powertools-lambda-python, issue 1552).
	Strips Slash = "strips"
	// Tolerates matches /x/ with the route /x, and keeps the event's path.
	Tolerates Slash = "tolerates"
)

// Slashes are all ways.
var Slashes = []Slash{Strict, Literal, Strips, Tolerates}

// methods of route keys:
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-routes.html
var methods = []string{plan.Any, http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}

// segment is the form of one part of a route's path. "The greedy path variable must be at the end
// of the resource path" (http-api-develop-routes.html).
var segment = regexp.MustCompile(`^(\{[A-Za-z0-9._-]+\+?\}|[^{}+]+)$`)

// checkRoutes refuses what an HTTP API refuses, as its import does where failOnWarnings is set.
func checkRoutes(routes []operation.Route) error {
	keys, integrations := map[string]bool{}, map[string]bool{}
	for _, e := range routes {
		if keys[e.Key()] {
			return fmt.Errorf("%s is there twice", e.Key())
		}
		keys[e.Key()], integrations[e.Group] = true, true
		if err := checkRoute(e); err != nil {
			return err
		}
	}
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
	if len(keys) > plan.MostRoutes || len(integrations) > plan.MostIntegrations {
		return fmt.Errorf("%d routes and %d integrations: an HTTP API has at most %d and %d", len(keys), len(integrations), plan.MostRoutes, plan.MostIntegrations)
	}
	return nil
}

// checkRoute refuses a route key of another form. "A route path must always start with a "/" and
// not end with a "/"" (HttpRouteKey of the CDK).
func checkRoute(e operation.Route) error {
	if e.Key() == plan.Default || e.Path == "/" && slices.Contains(methods, e.Method) {
		return nil
	}
	if !slices.Contains(methods, e.Method) {
		return fmt.Errorf("%s: a route's method is one of %v", e.Key(), methods)
	}
	if !strings.HasPrefix(e.Path, "/") || strings.HasSuffix(e.Path, "/") {
		return fmt.Errorf("%s: a route's path begins with a slash and does not end in one", e.Key())
	}
	names := map[string]bool{}
	parts := strings.Split(e.Path[1:], "/")
	for i, part := range parts {
		if !segment.MatchString(part) || strings.HasSuffix(part, "+}") && i < len(parts)-1 {
			return fmt.Errorf("%s: a parameter is a whole part of the path, and a greedy one is the last", e.Key())
		}
		if strings.HasPrefix(part, "{") {
			if names[part] {
				return fmt.Errorf("%s: %s is there twice", e.Key(), part)
			}
			names[part] = true
		}
	}
	return nil
}

// match is a route that takes a request, with the values of its parameters.
type match struct {
	route  operation.Route
	values map[string]string
	// rank orders routes that take the same request: smaller is more specific. Each part of the
	// path adds one letter: 0 is a text, 1 a parameter, 2 a greedy parameter.
	rank string
}

// find returns the route of a request. "API Gateway selects the route with the most specific match:
// full match for a route and method; match for a route and method with a greedy path variable; the
// $default route" (http-api-develop-routes.html). ANY takes "all methods that you haven't defined
// for a resource". No other rule is documented: a method has its own route, so HEAD is no GET.
func find(routes []operation.Route, method string, parts []string, slash Slash) (match, bool) {
	var best match
	found := false
	for _, e := range routes {
		m, ok := try(e, method, parts, slash)
		if ok && (!found || compare(m, best) < 0) {
			best, found = m, true
		}
	}
	return best, found
}

func compare(a, b match) int {
	return cmp.Or(cmp.Compare(a.class(), b.class()), cmp.Compare(a.rank, b.rank), cmp.Compare(a.any(), b.any()))
}

// class is 0 for a full match, 1 for a greedy one, and 2 for the route $default.
func (m match) class() int {
	switch {
	case m.route.Key() == plan.Default:
		return 2
	case strings.HasSuffix(m.rank, "2"):
		return 1
	}
	return 0
}

// any is 1 for a route of all methods.
func (m match) any() int {
	if m.route.Method == plan.Any {
		return 1
	}
	return 0
}

// try matches one route with the parts of a request's path.
func try(e operation.Route, method string, parts []string, slash Slash) (match, bool) {
	m := match{route: e, values: map[string]string{}}
	if e.Key() == plan.Default {
		return m, true
	}
	if e.Method != plan.Any && e.Method != method {
		return m, false
	}
	own := strings.Split(strings.TrimPrefix(e.Path, "/"), "/")
	for i, part := range own {
		if i >= len(parts) {
			return m, false
		}
		switch {
		case strings.HasSuffix(part, "+}"):
			rest := strings.Join(parts[i:], "/")
			m.values[strings.Trim(part, "{+}")], m.rank = rest, m.rank+"2"
			return m, rest != "" || slash != Literal
		case strings.HasPrefix(part, "{") && parts[i] != "":
			m.values[strings.Trim(part, "{}")], m.rank = parts[i], m.rank+"1"
		case part == parts[i]:
			m.rank += "0"
		default:
			return m, false
		}
	}
	return m, len(own) == len(parts)
}
