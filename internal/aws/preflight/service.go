package preflight

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	acmtypes "github.com/aws/aws-sdk-go-v2/service/acm/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

const (
	// keptFree is the concurrency that Lambda keeps unreserved:
	// https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
	keptFree = 100
	// enough is Lambda's default quota outside new accounts.
	enough = 1000
)

func (a *account) concurrency(ctx context.Context) ([]Finding, error) {
	functions := a.of("AWS::Lambda::Function")
	if len(functions) == 0 {
		return nil, nil
	}
	reserved := 0
	for _, f := range functions {
		n, _ := f.Properties["ReservedConcurrentExecutions"].(float64)
		reserved += int(n)
	}
	out, err := a.functions.GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	if err == nil && out.AccountLimit == nil {
		err = errEmpty
	}
	if err != nil {
		return nil, ask("lambda:GetAccountSettings", err)
	}
	quota, free := int(out.AccountLimit.ConcurrentExecutions), int(aws.ToInt32(out.AccountLimit.UnreservedConcurrentExecutions))
	if a.deployed {
		free = quota // the present stack's own reservations are unknown
	}
	const request = "ask for 1,000 in Service Quotas (Lambda, Concurrent executions)"
	if reserved > 0 && free-reserved < keptFree {
		return []Finding{stops("sms.concurrency reserves %d executions and Lambda keeps %d free, but the account has %d unreserved of a quota of %d: %s, or set sms.concurrency to 0",
			reserved, keptFree, free, quota, request)}, nil
	}
	if quota < enough {
		return []Finding{warns("Lambda runs at most %d functions at once in this account, which is enough to try and not to serve: %s", quota, request)}, nil
	}
	return nil, nil
}

func (a *account) sendsTexts() bool { return len(a.of("AWS::Lambda::Function")) > 0 }

func (a *account) sandbox(ctx context.Context) ([]Finding, error) {
	if !a.sendsTexts() {
		return nil, nil
	}
	out, err := a.texts.GetSMSSandboxAccountStatus(ctx, &sns.GetSMSSandboxAccountStatusInput{})
	if err != nil || !out.IsInSandbox {
		return nil, ask("sns:GetSMSSandboxAccountStatus", err)
	}
	return []Finding{warns("The account is in the SMS sandbox in %s, and text messages reach only verified numbers: ask to leave it, in AWS End User Messaging", a.Region)}, nil
}

func (a *account) spending(ctx context.Context) ([]Finding, error) {
	if !a.sendsTexts() {
		return nil, nil
	}
	const limit = "MonthlySpendLimit"
	out, err := a.texts.GetSMSAttributes(ctx, &sns.GetSMSAttributesInput{Attributes: []string{limit}})
	if err != nil {
		return nil, ask("sns:GetSMSAttributes", err)
	}
	if dollars, err := strconv.ParseFloat(out.Attributes[limit], 64); err == nil && dollars > 1 {
		return nil, nil
	}
	return []Finding{warns("The account spends at most $1 a month on text messages in %s, after which SNS accepts messages and sends none: ask for a limit in AWS End User Messaging, then aws sns set-sms-attributes --attributes MonthlySpendLimit=…", a.Region)}, nil
}

// certificate checks the certificate of each custom domain.
func (a *account) certificate(ctx context.Context) ([]Finding, error) {
	for _, domain := range a.of("AWS::ApiGatewayV2::DomainName") {
		list, _ := domain.Properties["DomainNameConfigurations"].([]any)
		for _, c := range list {
			c, _ := c.(map[string]any)
			if arn, _ := c["CertificateArn"].(string); arn != "" {
				return covers(ctx, a.certs, certificate{"domain.certificate", arn, a.Region}, domain.Text("DomainName"))
			}
		}
	}
	return nil, nil
}

// edgeRegion is the region of CloudFront's certificates (Amazon CloudFront Developer Guide,
// cnames-and-https-requirements.html).
const edgeRegion = "us-east-1"

// edgeCertificate checks the certificate of CloudFront for each name that it answers for.
func (a *account) edgeCertificate(ctx context.Context) ([]Finding, error) {
	for _, r := range a.of("AWS::CloudFront::Distribution") {
		set, _ := r.Properties["DistributionConfig"].(map[string]any)
		viewer, _ := set["ViewerCertificate"].(map[string]any)
		arn, _ := viewer["AcmCertificateArn"].(string)
		names, _ := set["Aliases"].([]any)
		for _, name := range names {
			host, _ := name.(string)
			if found, err := covers(ctx, a.edgeCerts, certificate{"edge.certificate", arn, edgeRegion}, host); err != nil || len(found) > 0 {
				return found, err
			}
		}
	}
	return nil, nil
}

// certificate is a certificate of the settings.
type certificate struct{ key, arn, region string }

// covers checks that a certificate is issued for a host.
func covers(ctx context.Context, client certificatesClient, of certificate, host string) ([]Finding, error) {
	out, err := client.DescribeCertificate(ctx, &acm.DescribeCertificateInput{CertificateArn: &of.arn})
	var missing *acmtypes.ResourceNotFoundException
	if errors.As(err, &missing) {
		return []Finding{stops("%s: there is no certificate %s in %s: request one there, or mend the ARN", of.key, of.arn, of.region)}, nil
	}
	if err == nil && out.Certificate == nil {
		err = errEmpty
	}
	if err != nil {
		return nil, ask("acm:DescribeCertificate", err)
	}
	cert := out.Certificate
	switch cert.Status {
	case acmtypes.CertificateStatusIssued:
	case acmtypes.CertificateStatusPendingValidation:
		return []Finding{stops("%s: the certificate waits for its validation: create the DNS records that aws acm describe-certificate --region %s --certificate-arn %s shows, and deploy when it is ISSUED", of.key, of.region, of.arn)}, nil
	default:
		return []Finding{stops("%s: the certificate is %s and cannot be used: request a new one in %s", of.key, cert.Status, of.region)}, nil
	}
	names := append(slices.Clone(cert.SubjectAlternativeNames), aws.ToString(cert.DomainName))
	_, parent, _ := strings.Cut(host, ".")
	if !slices.Contains(names, host) && !slices.Contains(names, "*."+parent) {
		return []Finding{stops("%s: the certificate is for %s and not for %s: request one for domain.name in %s", of.key, strings.Join(names, ", "), host, of.region)}, nil
	}
	return nil, nil
}

// mail looks for an alarm address that is missing or did not confirm.
func (a *account) mail(ctx context.Context) ([]Finding, error) {
	if len(a.of("AWS::CloudWatch::Alarm")) == 0 {
		return nil, nil
	}
	addresses := a.of("AWS::SNS::Subscription")
	if len(addresses) == 0 {
		return []Finding{warns("alarm_mail is not set, so AWS mails no alarm")}, nil
	}
	if !a.deployed {
		return nil, nil
	}
	for _, s := range addresses {
		topic, _ := s.Properties["TopicArn"].(map[string]any)
		logical, _ := topic["Ref"].(string)
		at, err := a.stacks.DescribeStackResource(ctx, &cloudformation.DescribeStackResourceInput{StackName: &a.Name, LogicalResourceId: &logical})
		if code(err) == "ValidationError" { // the deployed version has no such topic yet
			continue
		}
		if err == nil && at.StackResourceDetail == nil {
			err = errEmpty
		}
		if err != nil {
			return nil, ask("cloudformation:DescribeStackResource", err)
		}
		pages := sns.NewListSubscriptionsByTopicPaginator(a.texts, &sns.ListSubscriptionsByTopicInput{TopicArn: at.StackResourceDetail.PhysicalResourceId})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, ask("sns:ListSubscriptionsByTopic", err)
			}
			for _, is := range page.Subscriptions {
				if aws.ToString(is.SubscriptionArn) == "PendingConfirmation" {
					return []Finding{warns("%s has not confirmed, so AWS mails no alarm to it: open the link in the mail of AWS, or deploy with another alarm_mail and back for a new mail", aws.ToString(is.Endpoint))}, nil
				}
			}
		}
	}
	return nil, nil
}

// feed looks for another service that counts the statistics of the table.
func (a *account) feed(ctx context.Context) ([]Finding, error) {
	for _, m := range a.of("AWS::Lambda::EventSourceMapping") {
		stream, found, err := a.streamOf(ctx, m.Properties["EventSourceArn"])
		if err != nil || !found {
			return nil, err
		}
		pages := lambda.NewListEventSourceMappingsPaginator(a.functions, &lambda.ListEventSourceMappingsInput{EventSourceArn: &stream})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, ask("lambda:ListEventSourceMappings", err)
			}
			for _, is := range page.EventSourceMappings {
				arn := aws.ToString(is.FunctionArn)
				name := arn[strings.LastIndex(arn, ":")+1:]
				if !slices.ContainsFunc(a.of("AWS::Lambda::Function"), func(r Resource) bool { return r.Text("FunctionName") == name }) {
					return []Finding{stops("%s counts the statistics of this table already, and %s would count them twice: set canary to true, or remove the other service", name, a.Name)}, nil
				}
			}
		}
	}
	return nil, nil
}

// streamOf returns the ARN of a stream that a template names, or refers to as a parameter.
func (a *account) streamOf(ctx context.Context, property any) (arn string, found bool, err error) {
	if arn, ok := property.(string); ok {
		return arn, true, nil
	}
	ref, _ := property.(map[string]any)
	name, _ := ref["Ref"].(string)
	p, ok := a.Parameters[name]
	if !ok {
		return "", false, nil
	}
	return a.parameter(ctx, p.Default)
}
