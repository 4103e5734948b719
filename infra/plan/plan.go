// Package plan derives the plan of a deployment from the table of operations: which functions
// exist, what each may do, and which route leads to which function. The infrastructure is built
// from the plan, and the local gateway follows it. Tests compare the plan with the folders, the
// fixtures and the calls that functions make.
package plan

import (
	"cmp"
	"slices"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
)

// Resource is the kind of object that a grant is for.
type Resource string

// The resources of a deployment.
const (
	Table  Resource = "table"
	Index  Resource = "expiry index"
	Lists  Resource = "list index"
	Key    Resource = "sealing key"
	Secret Resource = "secret key of the Backend API"
	Phones Resource = "text messages to phone numbers"
	Stream Resource = "stream of the table"
	// Failures is the queue of runs and batches that Lambda or the scheduler gave up.
	Failures Resource = "dead-letter queue"
	// SMSSettings are SNS's settings of the account, which have no ARN.
	SMSSettings Resource = "SMS settings of the account"
	// FailureLog is SNS's log of the messages that it did not deliver.
	FailureLog Resource = "log of undelivered messages"
	// LogRole is the role with which SNS writes that log.
	LogRole Resource = "role of the log of undelivered messages"
	// Bus exists only where the settings name one.
	Bus Resource = "event bus"
	// EdgeSecret exists only where the settings put CloudFront in front.
	EdgeSecret Resource = "secret of CloudFront"
)

// IndexName returns the name of a resource that is an index of the table; of others, nothing.
func (r Resource) IndexName() string {
	return map[Resource]string{Index: dynamo.ExpiryIndex, Lists: dynamo.ListIndex}[r]
}

// Grant allows one IAM action on one resource.
type Grant struct {
	Action string
	On     Resource
}

// Job says why a function exists that serves no operation.
type Job string

// Jobs of a deployment.
const (
	Cleanup Job = "cleanup"          // removes expired records, every five minutes
	Rotate  Job = "keys-rotate"      // makes and rotates keys: on each deployment, and every day
	Pages   Job = "pages"            // serves pages
	Deliver Job = "events-deliver"   // delivers webhooks and notices, every minute
	Count   Job = "statistics-count" // counts what happened: the table's stream calls it
	// Reports marks messages that SNS did not deliver: a log of SNS calls it.
	Reports Job = "sms-reports"
	// Logging has SNS write that log: each deployment runs it.
	Logging Job = "sms-logging"
	// Unrouted answers what no route takes, and preflights.
	Unrouted Job = "unrouted"
)

// Scheduled returns the jobs that a schedule starts. Lambda runs them asynchronously, so it tries a
// failed run again by itself.
func Scheduled() []Job { return []Job{Cleanup, Deliver, Rotate} }

// Function is one Lambda function.
type Function struct {
	Name string
	// Job is empty for a function that serves operations.
	Job         Job
	Operations  []operation.Operation
	Permissions operation.Permissions
	Grants      []Grant
}

// Requested reports whether the gateway passes requests to the function.
func (f Function) Requested() bool { return f.Job == "" || f.Job == Pages || f.Job == Unrouted }

// Sends reports whether the function sends SMS.
func (f Function) Sends() bool { return f.Permissions.Has(operation.SendsSMS) }

// keyringGrants are the grants of a function that opens the keyring and reads records.
var keyringGrants = []Grant{{"dynamodb:BatchGetItem", Table}, {"dynamodb:GetItem", Table}, {"kms:Decrypt", Key}}

var permissionGrants = map[operation.Permissions]Grant{
	operation.Writes:   {"dynamodb:PutItem", Table},
	operation.Deletes:  {"dynamodb:DeleteItem", Table},
	operation.Counts:   {"dynamodb:UpdateItem", Table},
	operation.Limited:  {"dynamodb:UpdateItem", Table},
	operation.Lists:    {"dynamodb:Scan", Table},
	operation.Latest:   {"dynamodb:Query", Index},
	operation.Entries:  {"dynamodb:Query", Lists},
	operation.SendsSMS: {"sns:Publish", Phones},
}

func grants(of operation.Permissions) []Grant {
	list := slices.Clone(keyringGrants)
	for need, grant := range permissionGrants {
		if of.Has(need) {
			list = append(list, grant)
		}
	}
	return sorted(list)
}

func sorted(list []Grant) []Grant {
	slices.SortFunc(list, func(a, b Grant) int { return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(a.On, b.On)) })
	return list
}

// deliverPermissions are the permissions of the function that delivers webhooks and notices.
const deliverPermissions = operation.Writes | operation.Deletes | operation.Latest | operation.SendsSMS | operation.Counts

// countGrants are the grants of the function that counts. Lambda itself reads the stream, and sends
// what it gives up to the queue, with the function's role.
var countGrants = sorted(append(grants(operation.Writes),
	Grant{"dynamodb:DescribeStream", Stream}, Grant{"dynamodb:GetRecords", Stream}, Grant{"dynamodb:GetShardIterator", Stream}, Grant{"dynamodb:ListStreams", Stream}, givenUp))

// givenUp lets Lambda send what a function did not do to the queue, with the function's role.
var givenUp = Grant{"sqs:SendMessage", Failures}

// Functions returns all functions of a deployment: those of operations, in the order of the table,
// then those of jobs.
func Functions() []Function {
	served, _ := operation.GroupOperations(api.Operations())
	all := make([]Function, 0, len(served)+8)
	for _, f := range served {
		may := f.Permissions
		if f.Operations[0].Surface == operation.Backend { // a wrong key is counted for its address
			may |= operation.Counts
		}
		all = append(all, Function{Name: f.Name, Operations: f.Operations, Permissions: f.Permissions, Grants: grants(may)})
	}
	return append(all,
		Function{Name: string(Cleanup), Job: Cleanup, Grants: sorted(append(grants(operation.Writes|operation.Deletes|operation.Latest|operation.Lists|operation.Limited), givenUp))},
		Function{Name: string(Deliver), Job: Deliver, Permissions: deliverPermissions, Grants: sorted(append(grants(deliverPermissions), Grant{"events:PutEvents", Bus}, givenUp))},
		Function{Name: string(Count), Job: Count, Grants: countGrants},
		Function{Name: string(Reports), Job: Reports, Grants: grants(operation.Writes)},
		Function{Name: string(Logging), Job: Logging, Grants: sorted([]Grant{
			{"sns:GetSMSAttributes", SMSSettings}, {"sns:SetSMSAttributes", SMSSettings}, {"iam:PassRole", LogRole},
			{"logs:CreateLogGroup", FailureLog}, {"logs:PutRetentionPolicy", FailureLog}, {"logs:PutSubscriptionFilter", FailureLog}, {"logs:DeleteSubscriptionFilter", FailureLog},
		})},
		Function{Name: string(Rotate), Job: Rotate, Grants: sorted(append(grants(operation.Writes), givenUp,
			Grant{"kms:GenerateDataKeyWithoutPlaintext", Key}, Grant{"secretsmanager:GetSecretValue", Secret}, Grant{"secretsmanager:PutSecretValue", Secret},
			Grant{"secretsmanager:GetSecretValue", EdgeSecret}, Grant{"secretsmanager:PutSecretValue", EdgeSecret}))},
		Function{Name: string(Pages), Job: Pages, Grants: []Grant{
			{"dynamodb:BatchGetItem", Table}, {"dynamodb:GetItem", Table}, {"dynamodb:UpdateItem", Table}, {"secretsmanager:GetSecretValue", Secret},
		}},
		Function{Name: string(Unrouted), Job: Unrouted, Grants: grants(0)},
	)
}

// SignIn are the functions that clerk-js calls from the first page to the session of a sign-in with
// a second factor. The setting keep_warm keeps an environment of each.
var SignIn = []string{
	"environment-get", "client-get", "sign-in-create", "sign-in-first-factor-attempt", "sign-in-second-factor-prepare", "sign-in-second-factor-attempt",
	"session-touch", "session-token-create",
}

// DescribesInstance reports whether a function answers with what the instance is.
func (f Function) DescribesInstance() bool { return f.Name == "instance-get" }

// Variables returns the names of the environment variables that a function may have, in order.
func (f Function) Variables() []string {
	names := []string{
		lambdahost.EnvAppName, lambdahost.EnvRestoredAt, lambdahost.EnvEventBus, lambdahost.EnvKey, lambdahost.EnvOrigins, lambdahost.EnvPublishableKey, lambdahost.EnvSMSHost,
		lambdahost.EnvTable, lambdahost.EnvURL,
	}
	if f.Permissions.Has(operation.Numbers) {
		names = append(names, lambdahost.EnvNumberRanges)
	}
	if f.DescribesInstance() {
		names = append(names, lambdahost.EnvNumberingPlans)
	}
	if f.Sends() {
		names = append(names, lambdahost.EnvMaxPrice, lambdahost.EnvNumber, lambdahost.EnvSenderID)
	}
	if f.Job == Rotate || f.Job == Pages {
		names = append(names, lambdahost.EnvSecret)
	}
	if f.Requested() {
		names = append(names, lambdahost.EnvEdge)
	}
	if f.Job == Pages {
		names = append(names, lambdahost.EnvAppearance)
	}
	slices.Sort(names)
	return names
}
