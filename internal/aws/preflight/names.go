package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// stack says what to do about a stack that CloudFormation refuses to update, by its status:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
func (a *account) stack(ctx context.Context) ([]Finding, error) {
	out, err := a.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &a.Name})
	if code(err) == "ValidationError" && strings.Contains(err.Error(), "does not exist") {
		return nil, nil
	}
	if err == nil && len(out.Stacks) == 0 {
		err = errEmpty
	}
	if err != nil {
		return nil, ask("cloudformation:DescribeStacks", err)
	}
	status := out.Stacks[0].StackStatus
	a.deployed = true
	if is := aws.ToString(out.Stacks[0].Description); a.Description != "" && is != a.Description {
		return []Finding{stops("There is another stack %s in %s, with the description %q, and the deployment would replace it: choose another name or data in the settings", a.Name, a.Region, is)}, nil
	}
	switch status {
	case types.StackStatusRollbackComplete, types.StackStatusRollbackFailed, types.StackStatusCreateFailed, types.StackStatusDeleteFailed:
		return []Finding{stops("The stack %s is in %s, and such a stack can only be deleted: aws cloudformation delete-stack --region %s --stack-name %s, then deploy again", a.Name, status, a.Region, a.Name)}, nil
	case types.StackStatusUpdateRollbackFailed:
		return []Finding{stops("The stack %s is in %s: aws cloudformation continue-update-rollback --region %s --stack-name %s, then deploy again", a.Name, status, a.Region, a.Name)}, nil
	case types.StackStatusReviewInProgress: // a change set without an execution
		a.deployed = false
		return nil, nil
	}
	switch {
	case strings.HasSuffix(string(status), "_IN_PROGRESS"):
		return []Finding{stops("The stack %s is in %s: wait until the other deployment ends", a.Name, status)}, nil
	case !slices.Contains(updatable, status):
		return []Finding{warns("The stack %s is in %s, and this check does not know that state: look at the stack before you deploy", a.Name, status)}, nil
	}
	return nil, nil
}

// updatable are the states of a stack from which CloudFormation updates it.
var updatable = []types.StackStatus{
	types.StackStatusCreateComplete, types.StackStatusUpdateComplete, types.StackStatusUpdateFailed, types.StackStatusUpdateRollbackComplete,
	types.StackStatusImportComplete, types.StackStatusImportRollbackComplete,
}

// parameter returns the value of an SSM parameter; found is false when there is none.
func (a *account) parameter(ctx context.Context, name string) (value string, found bool, err error) {
	out, err := a.parameters.GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
	var missing *ssmtypes.ParameterNotFound
	if errors.As(err, &missing) {
		return "", false, nil
	}
	if err == nil && out.Parameter == nil {
		err = errEmpty
	}
	if err != nil {
		return "", false, ask("ssm:GetParameter", err)
	}
	return aws.ToString(out.Parameter.Value), true, nil
}

func (a *account) bootstrap(ctx context.Context) ([]Finding, error) {
	if a.Bootstrap.Parameter == "" {
		return nil, nil
	}
	is, found, err := a.parameter(ctx, a.Bootstrap.Parameter)
	if err != nil {
		return nil, err
	}
	where := fmt.Sprintf("aws://%s/%s", a.id, a.Region)
	if !found {
		return []Finding{stops("The CDK has no bootstrap in the region %s: npx aws-cdk bootstrap %s, once", a.Region, where)}, nil
	}
	if version, err := strconv.Atoi(is); err != nil || version < a.Bootstrap.Version {
		return []Finding{stops("The CDK's bootstrap in the region %s has version %s and %d is needed: npx aws-cdk bootstrap %s", a.Region, is, a.Bootstrap.Version, where)}, nil
	}
	return nil, nil
}

// parameterType is the type of a parameter whose value is read from SSM.
const parameterType = "AWS::SSM::Parameter::Value<String>"

// data looks for the parameters of data that this deployment does not make, as that of a canary.
func (a *account) data(ctx context.Context) ([]Finding, error) {
	for _, p := range a.Parameters {
		if p.Type != parameterType || a.published[p.Default] || p.Default == a.Bootstrap.Parameter {
			continue
		}
		_, found, err := a.parameter(ctx, p.Default)
		if err != nil {
			return nil, err
		}
		if !found {
			return []Finding{stops("There is no SSM parameter %s in %s, which the service %s reads: deploy the service to which the data belong first, or mend the setting data", p.Default, a.Region, a.Name)}, nil
		}
	}
	return nil, nil
}

// parameterNames looks for SSM parameters that have the names of those of a new data stack. Their
// creation would fail after that of the table.
func (a *account) parameterNames(ctx context.Context) ([]Finding, error) {
	if a.deployed {
		return nil, nil
	}
	for _, r := range a.of("AWS::SSM::Parameter") {
		name := r.Text("Name")
		_, found, err := a.parameter(ctx, name)
		if err != nil {
			return nil, err
		}
		if found {
			return []Finding{stops("There is an SSM parameter %s in %s, and the stack %s is not: another deployment has these data; choose another name for the setting data, or set canary to true", name, a.Region, a.Name)}, nil
		}
	}
	return nil, nil
}

// functionNames looks for functions that have the names of those of a new stack.
func (a *account) functionNames(ctx context.Context) ([]Finding, error) {
	mine := a.of("AWS::Lambda::Function")
	if a.deployed || len(mine) == 0 {
		return nil, nil
	}
	pages := lambda.NewListFunctionsPaginator(a.functions, &lambda.ListFunctionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, ask("lambda:ListFunctions", err)
		}
		for _, f := range page.Functions {
			if name := aws.ToString(f.FunctionName); slices.ContainsFunc(mine, func(r Resource) bool { return r.Text("FunctionName") == name }) {
				return []Finding{stops("There is a function %s, and the stack %s is not: another deployment has the name; choose another name in the settings, or delete that deployment", name, a.Name)}, nil
			}
		}
	}
	return nil, nil
}

// logNames looks for log groups that have the names of those of a new stack.
func (a *account) logNames(ctx context.Context) ([]Finding, error) {
	if a.deployed {
		return nil, nil
	}
	var all []Finding
	for _, r := range a.of("AWS::Logs::LogGroup") {
		name := r.Text("LogGroupName")
		if name == "" {
			continue
		}
		// A page may be empty although more follow.
		pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(a.logs, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &name})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return all, ask("logs:DescribeLogGroups", err)
			}
			for _, group := range page.LogGroups {
				if aws.ToString(group.LogGroupName) == name {
					all = append(all, stops("There is a log group %s, and the stack %s is not: delete the group (aws logs delete-log-group --region %s --log-group-name %s), or choose another name in the settings", name, a.Name, a.Region, name))
				}
			}
		}
	}
	return all, nil
}
