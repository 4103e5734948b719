// Excerpt reduces Clerk's OpenAPI files to what the conformance test needs: the operations that the
// table shares with them, and the components that these refer to. Run it by hand when Clerk has a
// new version:
//
//	go run ./internal/api/openapi/excerpt <clerk's file> <excerpt>
package main

import (
	"fmt"
	"os"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/countersign-mfa/countersign/internal/api"
)

type object = map[string]any

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "excerpt: give Clerk's file and the file to write")
		os.Exit(1)
	}
	if err := cut(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "excerpt:", err)
		os.Exit(1)
	}
}

func cut(from, to string) error {
	text, err := os.ReadFile(from) //nolint:gosec // the person who runs this names it
	if err != nil {
		return err
	}
	var doc object
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	c := &cutter{doc: doc, components: object{}}
	out := object{"openapi": doc["openapi"], "info": object{"title": "excerpt", "version": "excerpt"}, "paths": c.paths(), "components": c.components}
	text, err = yaml.Marshal(out)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	return os.WriteFile(to, text, 0o600)
}

type cutter struct{ doc, components object }

func (c *cutter) paths() object {
	out := object{}
	all, _ := c.doc["paths"].(object)
	for _, op := range api.Operations() {
		for path, item := range all {
			// Clerk's Backend API names its version in the server's URL.
			if shape(path) != shape(op.Path) && shape("/v1"+path) != shape(op.Path) {
				continue
			}
			method := strings.ToLower(op.Method)
			full, _ := item.(object)
			operation, ok := full[method].(object)
			if !ok {
				continue
			}
			kept, _ := out[path].(object)
			if kept == nil {
				kept = object{}
				out[path] = kept
			}
			for _, key := range []string{"description", "summary", "x-speakeasy-name-override", "security", "callbacks"} {
				delete(operation, key)
			}
			if p, ok := full["parameters"]; ok {
				kept["parameters"] = p
				c.reach(p)
			}
			kept[method] = operation
			c.reach(operation)
		}
	}
	return out
}

// shape returns a path without the names of its parameters.
func shape(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, "{") {
			parts[i] = "{}"
		}
	}
	return strings.Join(parts, "/")
}

// reach marks every component that a node refers to.
func (c *cutter) reach(node any) {
	switch n := node.(type) {
	case object:
		if ref, ok := n["$ref"].(string); ok {
			c.keep(ref)
		}
		for key, child := range n {
			if key == "description" || key == "example" || key == "examples" {
				if _, text := child.(string); text || key != "description" {
					delete(n, key)
					if key == "description" {
						n[key] = ""
					}
				}
				continue
			}
			c.reach(child)
		}
	case []any:
		for _, child := range n {
			c.reach(child)
		}
	}
}

func (c *cutter) keep(ref string) {
	parts := strings.Split(strings.TrimPrefix(ref, "#/components/"), "/")
	if len(parts) != 2 {
		return
	}
	kinds, _ := c.components[parts[0]].(object)
	if kinds == nil {
		kinds = object{}
		c.components[parts[0]] = kinds
	}
	if _, done := kinds[parts[1]]; done {
		return
	}
	all, _ := c.doc["components"].(object)
	from, _ := all[parts[0]].(object)
	kinds[parts[1]] = from[parts[1]]
	c.reach(from[parts[1]])
}
