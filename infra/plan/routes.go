package plan

import (
	"net/http"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/reference"
	"github.com/countersign-mfa/countersign/internal/web"
)

// Quotas of an HTTP API: routes and integrations
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html).
const (
	MostRoutes       = 300
	MostIntegrations = 300
)

// trailingSlash are the routes whose path clerk-js ends in a slash.
var trailingSlash = []string{"POST /v1/me/backup_codes", "POST /v1/me/phone_numbers"}

// Greedy is the parameter for a slash at the end of a path and everything after it.
const Greedy = "{slash+}"

// Any is the method of a route for all methods.
const Any = "ANY"

// Default is the route that takes every request without a route of its own. It has no method.
const Default = "$default"

// Routes returns all routes of the gateway.
//
// Only the route key "/" may end in a slash ("A route path must always start with a "/" and not end
// with a "/"", HttpRouteKey of the CDK). Reports differ on whether the gateway sends /x/ to the
// route /x. So the routes that clerk-js calls with a slash have a greedy route beside them, which
// is unused where the gateway removes the slash. Every other path below it gets the function's 404.
//
// A route has exactly one method, so each GET has a HEAD beside it. [Unrouted] takes the rest: it
// answers preflights and unknown paths and methods, and sends a path with a slash to the one
// without.
func Routes() []operation.Route {
	_, routes := operation.GroupOperations(api.Operations())
	var all []operation.Route
	for _, e := range routes {
		all = append(all, e)
		if slices.Contains(trailingSlash, e.Key()) {
			all = append(all, operation.Route{Method: e.Method, Path: e.Path + "/" + Greedy, Group: e.Group})
		}
	}
	for _, path := range append(web.Paths(), reference.Paths...) {
		all = append(all, page(path))
	}
	for _, e := range slices.Clone(all) {
		if e.Method == http.MethodGet {
			all = append(all, operation.Route{Method: http.MethodHead, Path: e.Path, Group: e.Group})
		}
	}
	return append(all, operation.Route{Path: Default, Group: string(Unrouted)})
}

// page returns the route of a path of the pages. A path that ends in a slash stands for everything
// below it. Only the dashboard accepts other methods than GET.
func page(path string) operation.Route {
	e := operation.Route{Method: http.MethodGet, Path: path, Group: string(Pages)}
	if strings.HasSuffix(path, "/") {
		e.Path += "{page+}"
	}
	if strings.HasPrefix(path, "/dashboard/") {
		e.Method = Any
	}
	return e
}
