package repository_test

import (
	"fmt"
	"go/ast"
	"testing"
)

// booleans are the functions of the domain and the API that may take a boolean, with the reason.
var booleans = map[string]string{
	"internal/domain/tx.stage":          "its two callers, Put and Delete, have the names",
	"internal/api/frontend.anAttribute": "sets one field of the answer to it",
}

// TestNoBooleanSelects: no function of the domain and the API takes a boolean that selects its
// behaviour. A call f(ctx, id, true) tells its reader nothing. Two functions, a named type or a
// struct with fields do.
func TestNoBooleanSelects(t *testing.T) {
	found := map[string]bool{}
	for _, s := range sources(t) {
		if !under(s.dir, "internal/domain") && !under(s.dir, "internal/api") && !under(s.dir, "internal/crypto") {
			continue
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			for _, p := range f.Type.Params.List {
				name := s.dir + "." + f.Name.Name
				if fmt.Sprint(p.Type) != "bool" {
					continue
				}
				found[name] = true
				if booleans[name] == "" {
					t.Errorf("%s: %s has a boolean parameter", s.set.Position(f.Pos()), f.Name.Name)
				}
			}
		}
	}
	for name := range booleans {
		if !found[name] {
			t.Errorf("%s takes no boolean any more", name)
		}
	}
}
