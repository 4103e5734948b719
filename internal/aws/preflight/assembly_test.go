package preflight_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/aws/preflight"
)

// write writes files of a cloud assembly, cut from one of the CDK.
func write(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRead(t *testing.T) {
	const manifest = `{"version":"54.0.0","artifacts":{
		"service.assets":{"type":"cdk:asset-manifest","properties":{"file":"service.assets.json"}},
		"service":{"type":"aws:cloudformation:stack","environment":"aws://111122223333/eu-central-1","properties":{"templateFile":"service.template.json",
			"terminationProtection":false,"requiresBootstrapStackVersion":6,"bootstrapStackVersionSsmParameter":"/cdk-bootstrap/hnb659fds/version"}},
		"data":{"type":"aws:cloudformation:stack","environment":"aws://unknown-account/eu-west-1","properties":{"templateFile":"data.template.json","stackName":"the-data"}}}}`
	const service = `{"Description":"The service","Parameters":{"Table":{"Type":"AWS::SSM::Parameter::Value<String>","Default":"/countersign/d/table"}},
		"Resources":{"F":{"Type":"AWS::Lambda::Function","Properties":{"FunctionName":"service-f","Role":{"Fn::GetAtt":["R","Arn"]}}}}}`
	stacks, err := preflight.Read(write(t, map[string]string{"manifest.json": manifest, "service.template.json": service, "data.template.json": `{"Resources":{}}`}))
	if err != nil || len(stacks) != 2 {
		t.Fatalf("%v, %v", stacks, err)
	}
	s, data := stacks[0], stacks[1]
	if s.Name != "service" || s.Account != "111122223333" || s.Region != "eu-central-1" || s.Bootstrap != (preflight.Bootstrap{Parameter: "/cdk-bootstrap/hnb659fds/version", Version: 6}) {
		t.Errorf("the service is %+v", s)
	}
	if f := s.Resources["F"]; f.Type != "AWS::Lambda::Function" || f.Text("FunctionName") != "service-f" || f.Text("Role") != "" {
		t.Errorf("the function is %+v", f)
	}
	if s.Description != "The service" {
		t.Errorf("the description is %q", s.Description)
	}
	if p := s.Parameters["Table"]; p.Default != "/countersign/d/table" || p.Type != "AWS::SSM::Parameter::Value<String>" {
		t.Errorf("the parameter is %+v", p)
	}
	if data.Name != "the-data" || data.Account != "" || data.Region != "eu-west-1" {
		t.Errorf("the data are %+v", data)
	}
}

func TestReadOfNoAssembly(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		says  string
	}{
		"nothing":            {nil, "make synth writes it"},
		"no JSON":            {map[string]string{"manifest.json": "{"}, "make synth writes it"},
		"no stack":           {map[string]string{"manifest.json": "{}"}, "has no stack"},
		"a template missing": {map[string]string{"manifest.json": `{"artifacts":{"s":{"type":"aws:cloudformation:stack","environment":"aws://1/r","properties":{"templateFile":"s.json"}}}}`}, "s.json"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := preflight.Read(write(t, c.files)); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}
