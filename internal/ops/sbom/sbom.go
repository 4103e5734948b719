// Package sbom lists the modules that are linked into our packages, with their licences, and writes
// the list as CycloneDX. It replaces cyclonedx-gomod, because the licence policy of its tests needs
// the same list and the document must be reproducible.
package sbom

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Module is a linked module.
type Module struct {
	Path, Version, Dir string
	// Sum is the module's hash in go.sum, "" for the main module.
	Sum string
	// Licence is an SPDX identifier, or "" when the text is not known here.
	Licence string
	Main    bool
}

// delivered are the programs that users get. Others, such as conformance suites, are linked by
// tests only.
var delivered = []string{"./cmd/...", "./functions/...", "./infra/..."}

// Modules lists the modules that the delivered programs link, or those of all packages with their
// tests, in order. It leaves out modules of go.mod that are not linked.
func Modules(ctx context.Context, root string, tests bool) ([]Module, error) {
	args := append([]string{"list", "-deps", "-json=Module"}, delivered...)
	if tests {
		args = []string{"list", "-deps", "-test", "-json=Module", "./..."}
	}
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // the arguments are those above
	var out bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("list modules: %w", err)
	}
	seen := map[string]bool{}
	var all []Module
	for d := json.NewDecoder(&out); ; {
		var p struct{ Module *Module }
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("list modules: %w", err)
		}
		if p.Module == nil || seen[p.Module.Path] {
			continue
		}
		seen[p.Module.Path] = true
		p.Module.Licence, err = licence(p.Module.Dir)
		if err != nil {
			return nil, fmt.Errorf("licence of %s: %w", p.Module.Path, err)
		}
		all = append(all, *p.Module)
	}
	slices.SortFunc(all, func(a, b Module) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|unlicense)(\.(md|txt))?$`)

// texts identify licences: all words of the first list must be in the text, none of the second.
var texts = []struct {
	id       string
	has, not []string
}{
	// before the licences that its text names as secondary
	{"MPL-2.0", []string{"mozilla public license version 2.0"}, nil},
	{"AGPL-3.0-only", []string{"gnu affero general public license"}, nil},
	{"LGPL-3.0-only", []string{"gnu lesser general public license"}, nil},
	{"GPL-3.0-only", []string{"gnu general public license"}, nil},
	{"Apache-2.0", []string{"apache license", "version 2.0"}, nil},
	{"BSD-3-Clause", []string{"redistribution and use in source and binary forms", "neither the name"}, nil},
	{"BSD-2-Clause", []string{"redistribution and use in source and binary forms"}, []string{"neither the name"}},
	{"ISC", []string{"permission to use, copy, modify, and/or distribute this software"}, nil},
	{"MIT", []string{"permission is hereby granted, free of charge", "the software is provided \"as is\""}, nil},
}

// licence identifies the licence in a module's files. The first match wins, and the strict licences
// come first.
func licence(dir string) (string, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, f := range files {
		if !licenceFile.MatchString(f.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, f.Name())) //nolint:gosec // a file of a module that is built here
		if err != nil {
			return "", err
		}
		if id := known(string(text)); id != "" {
			return id, nil
		}
	}
	return "", nil
}

func known(text string) string {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	for _, l := range texts {
		within := func(word string) bool { return strings.Contains(text, word) }
		lacks := func(word string) bool { return !within(word) }
		if !slices.ContainsFunc(l.has, lacks) && !slices.ContainsFunc(l.not, within) {
			return l.id
		}
	}
	return ""
}

type component struct {
	Type     string       `json:"type"`
	Name     string       `json:"name"`
	Version  string       `json:"version,omitempty"`
	PURL     string       `json:"purl,omitempty"`
	Ref      string       `json:"bom-ref,omitempty"`
	Licenses []licensed   `json:"licenses,omitempty"`
	Extra    []properties `json:"properties,omitempty"`
}

type licensed struct {
	License struct {
		ID string `json:"id"`
	} `json:"license"`
}

type properties struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type document struct {
	Format   string `json:"bomFormat"`
	Spec     string `json:"specVersion"`
	Version  int    `json:"version"`
	Metadata struct {
		Component component `json:"component"`
	} `json:"metadata"`
	Components []component `json:"components"`
}

// Write writes the modules as CycloneDX 1.5. The document has no time and no random number, so that
// the same source gives the same bytes.
func Write(w io.Writer, all []Module, version string) error {
	d := document{Format: "CycloneDX", Spec: "1.5", Version: 1, Components: []component{}}
	for _, m := range all {
		c := component{Type: "library", Name: m.Path, Version: m.Version, PURL: "pkg:golang/" + m.Path + "@" + m.Version}
		if m.Sum != "" {
			c.Extra = []properties{{"go:sum", m.Sum}}
		}
		if m.Main {
			c.Type, c.Version, c.PURL = "application", version, "pkg:golang/"+m.Path+"@"+version
		}
		c.Ref = c.PURL
		if m.Licence != "" {
			c.Licenses = make([]licensed, 1)
			c.Licenses[0].License.ID = m.Licence
		}
		if m.Main {
			d.Metadata.Component = c
			continue
		}
		d.Components = append(d.Components, c)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		return fmt.Errorf("write bill of materials: %w", err)
	}
	return nil
}
