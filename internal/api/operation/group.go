package operation

import "net/http"

// Group holds the operations of one Lambda function: the operation it is named after and those that must be served with it.
type Group struct {
	Name string
	// Operations are the function's own, first, and its siblings.
	Operations []Operation
	// Permissions are those of all of them.
	Permissions Permissions
}

// Route is a route of the gateway: method and path select the function of a group.
type Route struct{ Method, Path, Group string }

// Key is the route key of an HTTP API.
func (r Route) Key() string { return r.Method + " " + r.Path }

// GroupOperations derives groups and routes from the table. Every operation has a function of its own and its route leads there. clerk-js sends
// PATCH, PUT and DELETE as POST with the method in the query, on which a gateway cannot route: so the POST route of a path with such
// operations leads to one function that serves them all, namely that of the path's POST operation or else of the first of the others.
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

// overridable says whether clients send an operation as a POST.
func overridable(op Operation) bool {
	return op.Surface == Frontend && op.Method != http.MethodGet && op.Method != http.MethodPost
}
