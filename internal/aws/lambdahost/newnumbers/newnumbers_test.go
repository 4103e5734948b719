package newnumbers_test

import (
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/newnumbers"
)

// TestRangesOfTheEnvironment: numbers of the environment's ranges are valid beside those of the
// build, and the age names their sum.
func TestRangesOfTheEnvironment(t *testing.T) {
	n, err := newnumbers.New(lambdahost.Environment{NumberRanges: "+4410xxxxxxxx GB mobile,+1201555xxxx US fixed"})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"+441012345678", "+816012345678", "+447400123456"} {
		if got, err := n.Parse(text, ""); err != nil || got.E164() != text {
			t.Errorf("%s is %q: %v", text, got.E164(), err)
		}
	}
	if !strings.HasSuffix(n.String(), ", 3 added ranges") {
		t.Errorf("the age is %q", n)
	}
}

// TestNoRanges: without ranges the plans are those of the build.
func TestNoRanges(t *testing.T) {
	n, err := newnumbers.New(lambdahost.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := n.Parse("+441012345678", ""); err == nil {
		t.Errorf("%s is valid", got.E164())
	}
}

// TestAWrongRange: a wrong range is named.
func TestAWrongRange(t *testing.T) {
	_, err := newnumbers.New(lambdahost.Environment{NumberRanges: "+4410xxxxxxxx GB mobile,+4999xxxxxxxx US mobile"})
	if err == nil || !strings.HasPrefix(err.Error(), `line 2, "+4999xxxxxxxx US mobile": the country is`) {
		t.Errorf("%v", err)
	}
}
