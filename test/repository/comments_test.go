package repository_test

import (
	"go/ast"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// vague are words that stand where the actor's name belongs.
var vague = regexp.MustCompile(`(?i)\b(whoever|whomever|somebody|nobody|whom)\b`)

// TestComments: a doc comment begins with the name that it describes, also in tests and for names
// that are not exported. A comment line has at most 100 columns, and names its actor.
func TestComments(t *testing.T) {
	for _, s := range append(sources(t), testSources(t)...) {
		for _, g := range s.file.Comments {
			for _, c := range g.List {
				at := s.set.Position(c.Pos())
				if n := at.Column - 1 + utf8.RuneCountInString(c.Text); n > 100 && !strings.HasPrefix(c.Text, "//nolint") && !strings.HasPrefix(c.Text, "//go:") {
					t.Errorf("%s: the comment ends at column %d, at most 100", at, n)
				}
				if w := vague.FindString(c.Text); w != "" {
					t.Errorf("%s: %q names no actor", at, w)
				}
			}
		}
		for _, d := range s.file.Decls {
			checkDoc(t, s, d)
		}
	}
}

// checkDoc compares a declaration's doc comment with its name. A group of constants or variables
// with one comment has no name, and a group's members may have none.
func checkDoc(t *testing.T, s source, d ast.Decl) {
	t.Helper()
	begins := func(doc *ast.CommentGroup, name string) {
		if doc == nil {
			return
		}
		text := strings.TrimSpace(doc.Text())
		for _, article := range []string{"", "A ", "An ", "The "} {
			if rest, ok := strings.CutPrefix(text, article+name); ok && (rest == "" || !isWord(rest[0])) {
				return
			}
		}
		if text != "" && !strings.HasPrefix(text, "Deprecated:") {
			t.Errorf("%s: the comment of %s does not begin with its name", s.set.Position(doc.Pos()), name)
		}
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		begins(d.Doc, d.Name.Name)
	case *ast.GenDecl:
		if d.Lparen.IsValid() {
			return
		}
		switch spec := d.Specs[0].(type) {
		case *ast.TypeSpec:
			begins(d.Doc, spec.Name.Name)
		case *ast.ValueSpec:
			begins(d.Doc, spec.Names[0].Name)
		}
	}
}

func isWord(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}
