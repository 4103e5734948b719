// Package preflight looks, before a deployment, for reasons for which it would fail or serve no
// user: quotas, names that are taken, a failed stack, a certificate that is not issued. It reads
// the synthesised templates and asks the account. It changes nothing.
package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/countersign-mfa/countersign/internal/aws/restore"
)

// Finding is a sentence about the account, with what to do.
type Finding struct {
	// Stops says that the deployment would fail.
	Stops    bool
	Sentence string
}

func stops(format string, args ...any) Finding { return Finding{true, fmt.Sprintf(format, args...)} }
func warns(format string, args ...any) Finding { return Finding{false, fmt.Sprintf(format, args...)} }

// The parts of the SDK's clients that the checks use.
type (
	stacksClient interface {
		DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
		DescribeStackResource(context.Context, *cloudformation.DescribeStackResourceInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStackResourceOutput, error)
	}
	functionsClient interface {
		lambda.ListFunctionsAPIClient
		lambda.ListEventSourceMappingsAPIClient
		GetAccountSettings(context.Context, *lambda.GetAccountSettingsInput, ...func(*lambda.Options)) (*lambda.GetAccountSettingsOutput, error)
	}
	textsClient interface {
		sns.ListSubscriptionsByTopicAPIClient
		GetSMSSandboxAccountStatus(context.Context, *sns.GetSMSSandboxAccountStatusInput, ...func(*sns.Options)) (*sns.GetSMSSandboxAccountStatusOutput, error)
		GetSMSAttributes(context.Context, *sns.GetSMSAttributesInput, ...func(*sns.Options)) (*sns.GetSMSAttributesOutput, error)
	}
	certificatesClient interface {
		DescribeCertificate(context.Context, *acm.DescribeCertificateInput, ...func(*acm.Options)) (*acm.DescribeCertificateOutput, error)
	}
	parametersClient interface {
		GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
	}
	keysClient interface {
		DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
	}
	secretsClient interface {
		DescribeSecret(context.Context, *secretsmanager.DescribeSecretInput, ...func(*secretsmanager.Options)) (*secretsmanager.DescribeSecretOutput, error)
	}
	callerClient interface {
		GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)
	}
)

// account asks AWS in one region about one stack.
type account struct {
	Stack
	id         string // of the account
	published  map[string]bool
	stacks     stacksClient
	functions  functionsClient
	logs       cloudwatchlogs.DescribeLogGroupsAPIClient
	texts      textsClient
	certs      certificatesClient
	edgeCerts  certificatesClient // in the region of CloudFront's certificates
	parameters parametersClient
	tables     restore.Reader
	keys       keysClient
	secrets    secretsClient
	deployed   bool // the stack exists
}

// Check returns the findings about stacks, with the configuration of the operator.
func Check(ctx context.Context, c aws.Config, stacks []Stack) ([]Finding, error) {
	id, finding := caller(ctx, sts.NewFromConfig(c), stacks)
	if finding != nil {
		return []Finding{*finding}, nil
	}
	published := map[string]bool{}
	for _, s := range stacks {
		for _, p := range s.of("AWS::SSM::Parameter") {
			published[p.Text("Name")] = true
		}
	}
	var all []Finding
	edge := c.Copy()
	edge.Region = edgeRegion
	for _, s := range stacks {
		c := c.Copy()
		c.Region = s.Region
		a := &account{
			Stack: s, id: id, published: published, stacks: cloudformation.NewFromConfig(c), functions: lambda.NewFromConfig(c), logs: cloudwatchlogs.NewFromConfig(c),
			texts: sns.NewFromConfig(c), certs: acm.NewFromConfig(c), edgeCerts: acm.NewFromConfig(edge), parameters: ssm.NewFromConfig(c), tables: dynamodb.NewFromConfig(c),
			keys: kms.NewFromConfig(c), secrets: secretsmanager.NewFromConfig(c),
		}
		all = append(all, a.check(ctx)...)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return unique(all), nil
}

// check runs each check. A check that the account does not allow is a warning.
func (a *account) check(ctx context.Context) []Finding {
	var all []Finding
	for _, check := range []func(context.Context) ([]Finding, error){
		a.stack, a.bootstrap, a.data, a.parameterNames, a.functionNames, a.logNames, a.concurrency, a.sandbox, a.spending, a.certificate, a.edgeCertificate, a.mail, a.table, a.stream, a.key, a.secret, a.feed,
	} {
		found, err := check(ctx)
		all = append(all, found...)
		if err != nil {
			all = append(all, unknown(a.Name, err))
		}
	}
	return all
}

// unique drops sentences that several stacks have.
func unique(all []Finding) []Finding {
	var kept []Finding
	for _, f := range all {
		if !slices.Contains(kept, f) {
			kept = append(kept, f)
		}
	}
	return kept
}

// askError is the failure of a question to AWS.
type askError struct {
	action string // of IAM
	err    error
}

func (e *askError) Error() string { return e.action + ": " + e.err.Error() }
func (e *askError) Unwrap() error { return e.err }

// ask returns an error of an action, or nil.
func ask(action string, err error) error {
	if err == nil {
		return nil
	}
	return &askError{action, err}
}

// errEmpty is the error of an answer without the part that its API reference promises.
var errEmpty = errors.New("AWS answered without what was asked for")

// denied are the codes of AWS for a missing permission. Services differ.
var denied = []string{"AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException", "UnauthorizedOperation"}

// unknown returns the warning about a check without an answer.
func unknown(stack string, err error) Finding {
	var asked *askError
	if errors.As(err, &asked) && slices.Contains(denied, code(err)) {
		return warns("%s: part of the account is not checked: your credentials lack the permission %s", stack, asked.action)
	}
	return warns("%s: part of the account is not checked: %v", stack, err)
}

// code returns the code of an error of AWS, or "".
func code(err error) string {
	var known smithy.APIError
	if !errors.As(err, &known) {
		return ""
	}
	return known.ErrorCode()
}

// caller returns the id of the account, or the finding that there is none, or another one.
func caller(ctx context.Context, client callerClient, stacks []Stack) (id string, wrong *Finding) {
	out, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		f := stops("AWS did not say which account your credentials are for (%s): sign in, for example with aws sso login, or set AWS_PROFILE", reason(err))
		return "", &f
	}
	id = aws.ToString(out.Account)
	for _, s := range stacks {
		switch s.Account {
		case id:
		case "":
			f := stops("The templates were made without credentials, so that their account is unknown: run make deploy with credentials for the account")
			return "", &f
		default:
			f := stops("The templates are for the account %s and your credentials for %s: synthesise again with the same credentials", s.Account, id)
			return "", &f
		}
	}
	return id, nil
}

// reason returns the code of an error, or its text.
func reason(err error) string {
	if c := code(err); c != "" {
		return c
	}
	return err.Error()
}
