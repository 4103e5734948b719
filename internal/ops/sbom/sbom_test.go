package sbom_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/countersign-mfa/countersign/internal/ops/sbom"
)

// allowed are the licences of modules that may be linked into an Apache-2.0 program without duties
// beyond attribution.
var allowed = map[string]bool{"Apache-2.0": true, "MIT": true, "BSD-3-Clause": true, "BSD-2-Clause": true, "ISC": true}

// inTests are the licences that only tests may use, because no user gets their binaries.
var inTests = map[string]bool{"MPL-2.0": true}

func TestLicences(t *testing.T) {
	for name, tests := range map[string]bool{"what is linked": false, "what tests use": true} {
		all, err := sbom.Modules(t.Context(), "../../..", tests)
		if err != nil {
			t.Fatal(err)
		}
		const atLeast = 20
		if len(all) < atLeast {
			t.Fatalf("%s: only %d modules were found", name, len(all))
		}
		for _, m := range all {
			if !allowed[m.Licence] && !(tests && inTests[m.Licence]) {
				t.Errorf("%s: %s %s has the licence %q, which is not on the list", name, m.Path, m.Version, m.Licence)
			}
		}
	}
}

func TestWrite(t *testing.T) {
	all, err := sbom.Modules(t.Context(), "../../..", false)
	if err != nil {
		t.Fatal(err)
	}
	var one, two bytes.Buffer
	if err := sbom.Write(&one, all, "v1.2.3"); err != nil {
		t.Fatal(err)
	}
	if err := sbom.Write(&two, all, "v1.2.3"); err != nil || !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Errorf("the same modules give different documents: %v", err)
	}
	var d struct {
		Format   string `json:"bomFormat"`
		Metadata struct {
			Component struct{ Name, Version, Type string }
		}
		Components []struct {
			Name, Version, PURL string
			Licenses            []struct{ License struct{ ID string } }
		}
	}
	if err := json.Unmarshal(one.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	if d.Format != "CycloneDX" || d.Metadata.Component.Type != "application" || d.Metadata.Component.Version != "v1.2.3" || len(d.Components) != len(all)-1 {
		t.Errorf("%+v with %d components of %d modules", d.Metadata, len(d.Components), len(all))
	}
	for _, c := range d.Components {
		if c.Name == "" || c.Version == "" || c.PURL != "pkg:golang/"+c.Name+"@"+c.Version || len(c.Licenses) != 1 {
			t.Errorf("component %+v", c)
		}
	}
}
