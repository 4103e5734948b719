package preflight_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/aws/preflight"
)

// TestAnAnswerWithoutItsContent is a warning that names the action: neither a success nor the end
// of the other checks. An unknown state of a stack is a warning too.
func TestAnAnswerWithoutItsContent(t *testing.T) {
	table, sealed := map[string]any{"COUNTERSIGN_TABLE": "t"}, map[string]any{"COUNTERSIGN_KEY": key}
	const unchecked = "not checked: %s: AWS answered without what was asked for"
	deployed := map[string]answer{"cloudformation DescribeStacks countersign": stackIn("UPDATE_COMPLETE")}
	for name, c := range map[string]struct {
		stacks  []preflight.Stack
		answers map[string]answer
		want    string
	}{
		"no stack":       {deployment(), map[string]answer{"cloudformation DescribeStacks countersign": xmlOf("DescribeStacks", "<Stacks></Stacks>")}, fmt.Sprintf(unchecked, "cloudformation:DescribeStacks")},
		"no parameter":   {deployment(), map[string]answer{"ssm GetParameter /cdk-bootstrap/hnb659fds/version": {200, `{}`}}, fmt.Sprintf(unchecked, "ssm:GetParameter")},
		"no limits":      {deployment(), map[string]answer{"lambda GET /2016-08-19/account-settings": {200, `{}`}}, fmt.Sprintf(unchecked, "lambda:GetAccountSettings")},
		"no certificate": {deployment(), map[string]answer{"acm DescribeCertificate": {200, `{}`}}, fmt.Sprintf(unchecked, "acm:DescribeCertificate")},
		"no key":         {existing(deployment(), sealed), map[string]answer{"kms DescribeKey": {200, `{}`}}, fmt.Sprintf(unchecked, "kms:DescribeKey")},
		"no table":       {existing(deployment(), table), map[string]answer{"dynamodb DescribeTable": {200, `{}`}}, "DynamoDB answered without a table"},
		"no topic":       {deployment(), withData(with(deployed, "cloudformation DescribeStackResource countersign", xmlOf("DescribeStackResource", ""))), fmt.Sprintf(unchecked, "cloudformation:DescribeStackResource")},
		"a state of a later release": {
			deployment(), map[string]answer{"cloudformation DescribeStacks countersign": stackIn("SUSPENDED_BY_ACCOUNT")}, "is in SUSPENDED_BY_ACCOUNT, and this check does not know that state",
		},
		"a failed import": {deployment(), map[string]answer{"cloudformation DescribeStacks countersign": stackIn("IMPORT_ROLLBACK_FAILED")}, "is in IMPORT_ROLLBACK_FAILED"},
	} {
		t.Run(name, func(t *testing.T) {
			answers := ready()
			maps.Copy(answers, c.answers)
			found, _ := check(t, c.stacks, answers)
			for _, f := range found {
				if !f.Stops && strings.Contains(f.Sentence, c.want) {
					return
				}
			}
			t.Errorf("no warning with %q in %v", c.want, found)
		})
	}
}

func with(all map[string]answer, question string, a answer) map[string]answer {
	all = maps.Clone(all)
	all[question] = a
	return all
}

// TestALogGroupOnALaterPage is found: a page of CloudWatch Logs may be empty although more follow.
func TestALogGroupOnALaterPage(t *testing.T) {
	answers := ready()
	answers["logs DescribeLogGroups"] = answer{200, `{"logGroups":[],"nextToken":"more"}`}
	answers["logs DescribeLogGroups more"] = answer{200, `{"logGroups":[{"logGroupName":"/countersign/countersign/functions"}]}`}
	found, _ := check(t, deployment(), answers)
	if len(found) != 1 || !found[0].Stops || !strings.Contains(found[0].Sentence, "There is a log group /countersign/countersign/functions") {
		t.Errorf("%v", found)
	}
}
