package repository_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// reveals says whether an expression reads the bytes of a secret.
func reveals(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if name := fmt.Sprint(call.Fun); name == "len" || name == "copy" || name == "&{subtle ConstantTimeCompare}" {
				return false // a length is no secret, and the last is how to compare
			}
		}
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Reveal" {
			found = true
		}
		return !found
	})
	return found
}

// secretKeepers are packages that hold mostly digests, tags and tokens. They compare bytes in
// constant time only.
var secretKeepers = []string{"internal/crypto/seal", "internal/crypto/secret", "internal/crypto/keyring", "internal/crypto/password", "internal/crypto/sessiontoken", "internal/crypto/totp", "internal/crypto/backupcode"}

// TestSecretsAreComparedInConstantTime: no secret is compared by == or a switch, except with the
// empty text. secretKeepers call neither bytes.Equal nor its like, but secret.Value.Equal,
// hmac.Equal or subtle.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	leaky := map[string]bool{"bytes.Equal": true, "bytes.Compare": true, "reflect.DeepEqual": true, "strings.Compare": true, "strings.EqualFold": true}
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.BinaryExpr:
				empty := func(e ast.Expr) bool { b, ok := e.(*ast.BasicLit); return ok && b.Value == `""` }
				if (x.Op == token.EQL || x.Op == token.NEQ) && (reveals(x.X) && !empty(x.Y) || reveals(x.Y) && !empty(x.X)) {
					t.Errorf("%s: a secret is compared with %s", s.set.Position(x.Pos()), x.Op)
				}
			case *ast.SwitchStmt:
				if x.Tag != nil && reveals(x.Tag) {
					t.Errorf("%s: a switch on a secret", s.set.Position(x.Pos()))
				}
			case *ast.CallExpr:
				f, ok := x.Fun.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				name := fmt.Sprint(f.X, ".", f.Sel.Name)
				strict := strings.HasPrefix(name, "bytes.") && slices.Contains(secretKeepers, s.dir)
				if leaky[name] && (strict || slices.ContainsFunc(x.Args, reveals)) {
					t.Errorf("%s: %s where secrets are kept", s.set.Position(x.Pos()), name)
				}
			}
			return true
		})
	}
}

// credentials match keys of this service, of AWS and of code hosts, and private keys. No other text
// has these forms by accident.
var credentials = regexp.MustCompile(`sk_live_[A-Za-z0-9]{20}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}|-----BEGIN [A-Z ]*PRIVATE KEY-----`)

// TestNoCredentialInTheTree: no file of the repository holds a credential.
func TestNoCredentialInTheTree(t *testing.T) {
	for _, probe := range []string{"sk_live_" + strings.Repeat("a", 24), "-----BEGIN RSA " + "PRIVATE KEY-----"} {
		if !credentials.MatchString(probe) {
			t.Fatalf("%s would not be found", probe)
		}
	}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != "." && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".ci" && d.Name() != ".github" || slices.Contains([]string{"node_modules", "cdk.out", "bin"}, d.Name())) {
				return filepath.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if found := credentials.Find(data); found != nil {
			t.Errorf("%s holds a credential: %.12s...", name, found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
