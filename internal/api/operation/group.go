package operation

import (
	"net/http"
	"strings"
)

// Group is the operations of one Lambda function: the one that it is named after, and those that
// share its POST route.
type Group struct {
	Name string
	// Operations begin with the function's own.
	Operations []Operation
	// Permissions are the union of the operations' permissions.
	Permissions Permissions
}

// Route is a route of the gateway: method and path select a group.
type Route struct{ Method, Path, Group string }

// Key is the route key of an HTTP API, as in "GET /v1/me". The route $default has no method.
func (r Route) Key() string { return strings.TrimPrefix(r.Method+" "+r.Path, " ") }

// GroupOperations derives groups and routes from the table. Each operation has a function of its
// own, and its route leads there. clerk-js sends PATCH, PUT and DELETE as POST with the method in
// the query, and a gateway cannot route on the query. So one function serves all operations of such
// a path: that of its POST operation, else that of the first.
func GroupOperations(operations []Operation) (groups []Group, routes []Route) {
	host := map[string]int{} // path -> the function of its POST route
	for i, op := range operations {
		groups = append(groups, Group{op.Name, []Operation{op}, op.Permissions})
		routes = append(routes, Route{op.Method, op.Path, op.Name})
		_, taken := host[op.Path]
		switch {
		case op.Method == http.MethodPost:
			host[op.Path] = i
		case overridable(op) && !taken:
			host[op.Path] = i
		}
	}
	for i, op := range operations {
		if !overridable(op) {
			continue
		}
		at := host[op.Path]
		if at == i { // no other operation has a POST route here
			routes = append(routes, Route{http.MethodPost, op.Path, op.Name})
			continue
		}
		f := &groups[at]
		f.Operations = append(f.Operations, op)
		f.Permissions |= op.Permissions
	}
	return groups, routes
}

// overridable reports whether clients send an operation as a POST.
func overridable(op Operation) bool {
	return op.Surface == Frontend && op.Method != http.MethodGet && op.Method != http.MethodPost
}
