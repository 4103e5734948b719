package api

import "net/http"

// Function is what one Lambda function serves: the operation it is named after and those that must be served with it.
type Function struct {
	Name string
	// Operations are the function's own, first, and its siblings.
	Operations []Operation
	// Needs are those of all of them.
	Needs Needs
}

// Edge is a route of the gateway: method and path select a function.
type Edge struct{ Method, Path, Function string }

// Key is the route key of an HTTP API.
func (e Edge) Key() string { return e.Method + " " + e.Path }

// Deploy derives functions and routes from the table. Every operation has a function of its own and its route leads there. clerk-js sends
// PATCH, PUT and DELETE as POST with the method in the query, on which a gateway cannot route: so the POST route of a path with such
// operations leads to one function that serves them all, namely that of the path's POST operation or else of the first of the others.
func Deploy(operations []Operation) (functions []Function, edges []Edge) {
	host := map[string]int{} // path -> the function of its POST route
	for i, op := range operations {
		functions = append(functions, Function{op.Name, []Operation{op}, op.Needs})
		edges = append(edges, Edge{op.Method, op.Path, op.Name})
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
			edges = append(edges, Edge{http.MethodPost, op.Path, op.Name})
			continue
		}
		f := &functions[at]
		f.Operations = append(f.Operations, op)
		f.Needs |= op.Needs
	}
	return functions, edges
}

// overridable says whether clients send an operation as a POST.
func overridable(op Operation) bool {
	return op.Surface == Frontend && op.Method != http.MethodGet && op.Method != http.MethodPost
}
