package preflight

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Stack is a synthesised CloudFormation stack.
type Stack struct {
	Name string
	// Account is "" when the synth had no credentials.
	Account, Region string
	Description     string // the template's
	Bootstrap       Bootstrap
	Parameters      map[string]Parameter
	Resources       map[string]Resource
}

// Bootstrap is what the stack requires of the CDK's own resources in the region.
type Bootstrap struct {
	Parameter string // name of the SSM parameter with the version
	Version   int
}

// Parameter is a parameter of a template.
type Parameter struct{ Type, Default string }

// Resource is a resource of a template. Properties that CloudFormation computes are maps.
type Resource struct {
	Type       string
	Properties map[string]any
}

// Text returns a property that the template has as a text, or "".
func (r Resource) Text(name string) string { text, _ := r.Properties[name].(string); return text }

// of returns the resources of a type.
func (s Stack) of(kind string) []Resource {
	var found []Resource
	for _, r := range s.Resources {
		if r.Type == kind {
			found = append(found, r)
		}
	}
	return found
}

// Read returns the stacks of a cloud assembly of the CDK, as a synth writes it:
// https://docs.aws.amazon.com/cdk/v2/guide/deploy.html
func Read(dir string) ([]Stack, error) {
	var manifest struct {
		Artifacts map[string]struct {
			Type, Environment string
			Properties        struct {
				TemplateFile, StackName           string
				RequiresBootstrapStackVersion     int
				BootstrapStackVersionSsmParameter string
			}
		}
	}
	if err := readJSON(filepath.Join(dir, "manifest.json"), &manifest); err != nil {
		return nil, fmt.Errorf("%w; make synth writes it", err)
	}
	var stacks []Stack
	for id, a := range manifest.Artifacts {
		if a.Type != "aws:cloudformation:stack" {
			continue
		}
		s := Stack{Name: a.Properties.StackName, Bootstrap: Bootstrap{a.Properties.BootstrapStackVersionSsmParameter, a.Properties.RequiresBootstrapStackVersion}}
		if s.Name == "" {
			s.Name = id
		}
		s.Account, s.Region, _ = strings.Cut(strings.TrimPrefix(a.Environment, "aws://"), "/")
		if s.Account == "unknown-account" {
			s.Account = ""
		}
		if err := readJSON(filepath.Join(dir, a.Properties.TemplateFile), &s); err != nil {
			return nil, err
		}
		stacks = append(stacks, s)
	}
	slices.SortFunc(stacks, func(a, b Stack) int { return strings.Compare(a.Name, b.Name) })
	if len(stacks) == 0 {
		return nil, fmt.Errorf("%s has no stack", dir)
	}
	return stacks, nil
}

func readJSON(path string, into any) error {
	text, err := os.ReadFile(path) //nolint:gosec // the operator names it
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return fmt.Errorf("read the synthesised stacks: %w", err)
	}
	return nil
}
