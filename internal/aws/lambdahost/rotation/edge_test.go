package rotation_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/rotation"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// versions is a secret whose versions cannot change.
type versions struct {
	held map[string]string
	down bool
}

func (v *versions) Get(_ context.Context, id string) (secret.Value, error) {
	if v.down {
		return secret.Value{}, errDown
	}
	return secret.New(v.held[id]), nil
}

func (v *versions) Put(_ context.Context, id string, value secret.Value) error {
	if v.down || v.held[id] != "" && v.held[id] != value.Reveal() {
		return errDown
	}
	v.held[id] = value.Reveal()
	return nil
}

// edge acts as CloudFormation for the resource of CloudFront's secret.
func (s *stack) edge(kind, properties string) (status string) {
	s.Helper()
	event := `{"RequestType":"` + kind + `","ResponseURL":"` + s.url + `","StackId":"s","RequestId":"r","LogicalResourceId":"EdgeSecretValue",` +
		`"ResourceType":"` + rotation.EdgeResource + `","ResourceProperties":` + properties + `}`
	if _, err := s.invoke(event); err != nil {
		s.Fatal(err)
	}
	said := <-s.answered
	if said["PhysicalResourceId"] != "edge-of-blue" && said["PhysicalResourceId"] != "edge-of-" {
		s.Errorf("the resource is %v: another id would make CloudFormation delete the one before", said["PhysicalResourceId"])
	}
	status, _ = said["Status"].(string)
	return status
}

func (s *stack) behindEdge(when string, value string, want bool) {
	s.Helper()
	if got, err := s.function().Keys.AcceptsEdge(s.Context(), secret.New(value)); err != nil || got != want {
		s.Errorf("%s: accepted %v (%v), want %v", when, got, err, want)
	}
}

const (
	firstVersion  = `{"Name":"blue","Secret":"arn:edge","Version":"version-1"}`
	secondVersion = `{"Name":"blue","Secret":"arn:edge","Version":"version-2"}`
)

// TestEdgeSecret: a deployment makes the version that it names, once, with 256 bits, before
// CloudFront gets it. The version before is good for a day; a deployment that is rolled back finds
// it. Nothing of it is in the log or in the answer to CloudFormation.
func TestEdgeSecret(t *testing.T) {
	s := newStack(t)
	kept := &versions{held: map[string]string{}}
	s.rotator.Versions = func(arn string) rotation.Versions {
		if arn != "arn:edge" {
			t.Errorf("the secret %s was asked for", arn)
		}
		return kept
	}
	if got := s.edge("Create", firstVersion); got != "SUCCESS" {
		t.Fatalf("the first version: %s", got)
	}
	first := kept.held["version-1"]
	if len(first) != 52 { // 5 bits each
		t.Errorf("the secret has %d characters, want 52 in base 32", len(first))
	}
	s.behindEdge("the first", first, true)
	if got := s.edge("Update", firstVersion); got != "SUCCESS" || kept.held["version-1"] != first {
		t.Errorf("the same version again: %s", got)
	}
	if got := s.edge("Update", secondVersion); got != "SUCCESS" || kept.held["version-2"] == first {
		t.Errorf("the second version: %s", got)
	}
	second := kept.held["version-2"]
	s.behindEdge("the second", second, true)
	s.behindEdge("the first, until CloudFront has the second", first, true)

	if got := s.edge("Update", firstVersion); got != "SUCCESS" || kept.held["version-1"] != first {
		t.Errorf("a deployment that is rolled back: %s", got)
	}
	s.now = s.now.Add(24 * time.Hour)
	s.behindEdge("the first, which CloudFront kept", first, true)
	s.behindEdge("the second, a day after the rollback", second, false)
	if strings.Contains(s.log.String(), first) || strings.Contains(s.log.String(), second) {
		t.Error("CloudFront's secret is in the log")
	}
	if got := s.edge("Delete", firstVersion); got != "SUCCESS" {
		t.Errorf("deleting: %s", got)
	}
	s.behindEdge("after the stack was deleted", first, false)
}

// TestEdgeSecretFails: without Secrets Manager, or with other properties, the deployment fails and
// nothing is accepted that CloudFront cannot have.
func TestEdgeSecretFails(t *testing.T) {
	s := newStack(t)
	kept := &versions{held: map[string]string{}, down: true}
	s.rotator.Versions = func(string) rotation.Versions { return kept }
	if got := s.edge("Create", firstVersion); got != "FAILED" || len(kept.held) != 0 {
		t.Errorf("without Secrets Manager: %s", got)
	}
	for _, properties := range []string{`{}`, `{"Name":"blue","Secret":"arn:edge"}`, `{"Name":"","Secret":"arn:edge","Version":"version-1"}`, `{"Name":"blue","Secret":"arn:edge","Version":1}`} {
		if got := s.edge("Create", properties); got != "FAILED" {
			t.Errorf("%s: %s", properties, got)
		}
	}
	if len(kept.held) != 0 {
		t.Errorf("%d versions were made", len(kept.held))
	}
}
