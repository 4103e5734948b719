package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestUndeliveredMessagesAreSeen: SNS may write its log and nothing else, the deployment switches
// the log on, and CloudWatch Logs of this account, for this log group, may call sms-reports. SNS
// answers with a message id also for messages that it drops, so nothing else tells of them.
func TestUndeliveredMessagesAreSeen(t *testing.T) {
	const group = "DirectPublishToPhoneNumber"
	made := fmt.Sprint(theOnly(t, "Custom::SMSLogging"))
	for _, want := range []string{"Filter:countersign ", "SMSLogRole", "SmsReports", group + "/Failure", "SmsLogging"} {
		if !strings.Contains(made, want) {
			t.Errorf("the custom resource lacks %q: %s", want, made)
		}
	}
	allowed := false
	for _, p := range resources("AWS::Lambda::Permission") {
		if p["Principal"] != "logs.amazonaws.com" {
			continue
		}
		allowed = true
		if s := fmt.Sprint(p); p["SourceAccount"] == nil || !strings.Contains(fmt.Sprint(p["SourceArn"]), group+"/Failure") || !strings.Contains(s, "SmsReports") {
			t.Errorf("the permission is %s", s)
		}
	}
	if !allowed {
		t.Error("CloudWatch Logs may not call sms-reports")
	}
	found := false
	for name, p := range resources("AWS::IAM::Role") {
		if !strings.Contains(fmt.Sprint(p["AssumeRolePolicyDocument"]), "sns.amazonaws.com") {
			continue
		}
		found = true
		policy := fmt.Sprint(p["Policies"])
		if !strings.Contains(policy, "logs:PutLogEvents") || !strings.Contains(policy, group) || !strings.Contains(fmt.Sprint(p["AssumeRolePolicyDocument"]), "aws:SourceAccount") {
			t.Errorf("%s: %v", name, p)
		}
	}
	if !found {
		t.Error("SNS has no role for its log")
	}
}
