package preflight_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/countersign-mfa/countersign/internal/aws/preflight"
)

// answer is one answer of AWS.
type answer struct {
	status int
	body   string
}

// xmlOf is an answer in the form of the API references of CloudFormation, SNS and STS; the other
// services speak JSON.
func xmlOf(action, result string) answer {
	return answer{200, "<" + action + "Response><" + action + "Result>" + result + "</" + action + "Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></" + action + "Response>"}
}

func xmlError(status int, code, message string) answer {
	return answer{status, "<ErrorResponse><Error><Type>Sender</Type><Code>" + code + "</Code><Message>" + message + "</Message></Error><RequestId>1</RequestId></ErrorResponse>"}
}

func jsonError(status int, code string) answer {
	return answer{status, `{"__type":"` + code + `","message":"the message"}`}
}

const (
	me       = "111122223333"
	cert     = "arn:aws:acm:eu-central-1:111122223333:certificate/1"
	key      = "arn:aws:kms:eu-central-1:111122223333:key/1"
	edgeCert = "arn:aws:acm:us-east-1:111122223333:certificate/2"
	stream   = "arn:aws:dynamodb:eu-central-1:111122223333:table/t/stream/2026-01-02T03:04:05.678"
)

// noStack is the answer about a stack that does not exist.
func noStack(name string) answer {
	return xmlError(400, "ValidationError", "Stack with id "+name+" does not exist")
}

func stackIn(status string) answer { return stackWith(status, "") }

func stackWith(status, description string) answer {
	if description != "" {
		description = "<Description>" + description + "</Description>"
	}
	return xmlOf("DescribeStacks", "<Stacks><member><StackName>countersign</StackName>"+description+"<CreationTime>2026-01-02T03:04:05Z</CreationTime><StackStatus>"+status+"</StackStatus></member></Stacks>")
}

func mappingOf(function string) answer {
	return answer{200, `{"EventSourceMappings":[{"FunctionArn":"arn:aws:lambda:eu-central-1:111122223333:function:` + function + `"}]}`}
}

func keyIn(state string) answer {
	return answer{200, `{"KeyMetadata":{"KeyId":"1","KeyState":"` + state + `","KeySpec":"SYMMETRIC_DEFAULT"}}`}
}

func certificate(status string) answer {
	return answer{200, `{"Certificate":{"CertificateArn":"` + cert + `","DomainName":"example.com","SubjectAlternativeNames":["*.example.com"],"Status":"` + status + `"}}`}
}

// withData are the answers about data that are deployed.
func withData(more map[string]answer) map[string]answer {
	all := map[string]answer{
		"cloudformation DescribeStacks countersign-data":        stackIn("CREATE_COMPLETE"),
		"ssm GetParameter /countersign/countersign-data/table":  {200, `{"Parameter":{"Name":"t","Type":"String","Value":"t"}}`},
		"ssm GetParameter /countersign/countersign-data/stream": {200, `{"Parameter":{"Name":"s","Type":"String","Value":"` + stream + `"}}`},
	}
	maps.Copy(all, more)
	return all
}

// ready are the answers of an account in which a first deployment succeeds without a warning.
func ready() map[string]answer {
	return map[string]answer{
		"sts GetCallerIdentity":                                 xmlOf("GetCallerIdentity", "<Arn>arn:aws:iam::"+me+":user/ada</Arn><UserId>1</UserId><Account>"+me+"</Account>"),
		"cloudformation DescribeStacks countersign":             noStack("countersign"),
		"cloudformation DescribeStacks countersign-data":        noStack("countersign-data"),
		"cloudformation DescribeStackResource countersign":      xmlOf("DescribeStackResource", "<StackResourceDetail><PhysicalResourceId>arn:aws:sns:eu-central-1:"+me+":alarms</PhysicalResourceId></StackResourceDetail>"),
		"ssm GetParameter /cdk-bootstrap/hnb659fds/version":     {200, `{"Parameter":{"Name":"v","Type":"String","Value":"21"}}`},
		"ssm GetParameter /countersign/countersign-data/table":  jsonError(400, "ParameterNotFound"),
		"ssm GetParameter /countersign/countersign-data/stream": jsonError(400, "ParameterNotFound"),
		"lambda GET /2015-03-31/functions":                      {200, `{"Functions":[{"FunctionName":"other"}]}`},
		"lambda GET /2016-08-19/account-settings":               {200, `{"AccountLimit":{"ConcurrentExecutions":1000,"UnreservedConcurrentExecutions":1000}}`},
		"lambda GET /2015-03-31/event-source-mappings":          {200, `{"EventSourceMappings":[]}`},
		"logs DescribeLogGroups":                                {200, `{"logGroups":[{"logGroupName":"/countersign/countersign/functions-of-another"}]}`},
		"sns GetSMSSandboxAccountStatus":                        xmlOf("GetSMSSandboxAccountStatus", "<IsInSandbox>false</IsInSandbox>"),
		"sns GetSMSAttributes":                                  xmlOf("GetSMSAttributes", "<attributes><entry><key>MonthlySpendLimit</key><value>50</value></entry></attributes>"),
		"sns ListSubscriptionsByTopic":                          xmlOf("ListSubscriptionsByTopic", "<Subscriptions><member><SubscriptionArn>arn:aws:sns:x</SubscriptionArn><Endpoint>ops@example.com</Endpoint></member></Subscriptions>"),
		"acm DescribeCertificate":                               certificate("ISSUED"),
		"kms DescribeKey":                                       keyIn("Enabled"),
		"secretsmanager DescribeSecret":                         {200, `{"ARN":"s"}`},
		"dynamodb DescribeTable":                                jsonError(400, "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"),
	}
}

// cloud answers as AWS does, and fails the test for a question that it does not expect.
type cloud struct {
	t       *testing.T
	answers map[string]answer

	mu    sync.Mutex
	asked map[string]bool
}

var signed = regexp.MustCompile(`Credential=[^/]+/\d+/([^/]+)/([^/]+)/aws4_request`)

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	scope := signed.FindStringSubmatch(r.Header.Get("Authorization"))
	if scope == nil {
		c.t.Error("a request without a signature")
		return
	}
	question := scope[2] + " " + action(r, body)
	if region := scope[1]; region != "eu-central-1" {
		question = region + " " + question
	}
	c.mu.Lock()
	c.asked[question] = true
	c.mu.Unlock()
	a, ok := c.answers[question]
	if !ok {
		c.t.Errorf("an unexpected question: %s", question)
		a = jsonError(400, "UnknownOperationException")
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if strings.HasPrefix(a.body, "<") {
		w.Header().Set("Content-Type", "text/xml")
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// action returns the action of a request and the name that it is about.
func action(r *http.Request, body []byte) string {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		var in struct{ Name, NextToken string }
		_ = json.Unmarshal(body, &in)
		return strings.TrimSpace(target[strings.LastIndex(target, ".")+1:] + " " + in.Name + in.NextToken)
	}
	if form, err := url.ParseQuery(string(body)); err == nil && form.Get("Action") != "" {
		return strings.TrimSpace(form.Get("Action") + " " + form.Get("StackName"))
	}
	return r.Method + " " + strings.TrimSuffix(r.URL.Path, "/")
}

// resource is a resource of a template.
func resource(kind string, properties map[string]any) preflight.Resource {
	return preflight.Resource{Type: kind, Properties: properties}
}

// deployment is a service with a domain and an alarm address, and its data.
func deployment() []preflight.Stack {
	published := func(part string) preflight.Resource {
		return resource("AWS::SSM::Parameter", map[string]any{"Name": "/countersign/countersign-data/" + part})
	}
	boot := preflight.Bootstrap{Parameter: "/cdk-bootstrap/hnb659fds/version", Version: 6}
	reads := func(part string) preflight.Parameter {
		return preflight.Parameter{Type: "AWS::SSM::Parameter::Value<String>", Default: "/countersign/countersign-data/" + part}
	}
	return []preflight.Stack{
		{
			Name: "countersign-data", Account: me, Region: "eu-central-1", Bootstrap: boot,
			Resources: map[string]preflight.Resource{"T": published("table"), "S": published("stream")},
		},
		{
			Name: "countersign", Account: me, Region: "eu-central-1", Bootstrap: boot,
			Parameters: map[string]preflight.Parameter{"Table": reads("table"), "TableStream": reads("stream")},
			Resources: map[string]preflight.Resource{
				"Send": resource("AWS::Lambda::Function", map[string]any{"FunctionName": "countersign-send", "ReservedConcurrentExecutions": 5.0}),
				"Count": resource("AWS::Lambda::Function", map[string]any{
					"FunctionName": "countersign-count", "Environment": map[string]any{"Variables": map[string]any{"COUNTERSIGN_TABLE": map[string]any{"Ref": "Table"}}},
				}),
				"Feed":  resource("AWS::Lambda::EventSourceMapping", map[string]any{"EventSourceArn": map[string]any{"Ref": "TableStream"}}),
				"Log":   resource("AWS::Logs::LogGroup", map[string]any{"LogGroupName": "/countersign/countersign/functions"}),
				"Alarm": resource("AWS::CloudWatch::Alarm", nil),
				"Mail":  resource("AWS::SNS::Subscription", map[string]any{"TopicArn": map[string]any{"Ref": "Alarms"}}),
				"Domain": resource("AWS::ApiGatewayV2::DomainName", map[string]any{
					"DomainName": "clerk.example.com", "DomainNameConfigurations": []any{map[string]any{"CertificateArn": cert}},
				}),
			},
		},
	}
}

// check runs the preflight of stacks in an account.
func check(t *testing.T, stacks []preflight.Stack, answers map[string]answer) ([]preflight.Finding, *cloud) {
	t.Helper()
	c := &cloud{t: t, answers: answers, asked: map[string]bool{}}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	found, err := preflight.Check(t.Context(), aws.Config{
		Region: "eu-central-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""), RetryMaxAttempts: 1,
	}, stacks)
	if err != nil {
		t.Fatal(err)
	}
	return found, c
}

// TestAReadyAccount: nothing is found in an account in which everything is ready, and each question
// was asked.
func TestAReadyAccount(t *testing.T) {
	found, c := check(t, deployment(), ready())
	if len(found) > 0 {
		t.Errorf("%v", found)
	}
	// These are about a stack that exists, and about a table that the settings name.
	later := map[string]bool{
		"cloudformation DescribeStackResource countersign": true, "sns ListSubscriptionsByTopic": true, "dynamodb DescribeTable": true,
		"kms DescribeKey": true, "secretsmanager DescribeSecret": true, "lambda GET /2015-03-31/event-source-mappings": true,
	}
	for question := range c.answers {
		if !c.asked[question] && !later[question] {
			t.Errorf("%s is not asked", question)
		}
	}
}

// TestFindings: each reason for which a deployment would fail or serve no user is a sentence that
// says what to do.
func TestFindings(t *testing.T) {
	const stops, warns = true, false
	missing := jsonError(400, "ParameterNotFound")
	type answers map[string]answer
	for name, c := range map[string]struct {
		change  func([]preflight.Stack) []preflight.Stack
		answers answers
		stops   bool
		says    string
	}{
		"no credentials":                    {nil, answers{"sts GetCallerIdentity": xmlError(403, "ExpiredToken", "expired")}, stops, "AWS did not say which account your credentials are for (ExpiredToken): sign in"},
		"another account":                   {nil, answers{"sts GetCallerIdentity": xmlOf("GetCallerIdentity", "<Account>444455556666</Account>")}, stops, "The templates are for the account 111122223333 and your credentials for 444455556666"},
		"a synth without account":           {func(s []preflight.Stack) []preflight.Stack { s[1].Account = ""; return s }, nil, stops, "made without credentials"},
		"a failed creation":                 {nil, answers{"cloudformation DescribeStacks countersign": stackIn("ROLLBACK_COMPLETE")}, stops, "The stack countersign is in ROLLBACK_COMPLETE, and such a stack can only be deleted: aws cloudformation delete-stack --region eu-central-1 --stack-name countersign"},
		"a failed rollback":                 {nil, answers{"cloudformation DescribeStacks countersign-data": stackIn("UPDATE_ROLLBACK_FAILED")}, stops, "continue-update-rollback"},
		"another deployment":                {nil, answers{"cloudformation DescribeStacks countersign": stackIn("UPDATE_IN_PROGRESS")}, stops, "wait until the other deployment ends"},
		"no bootstrap":                      {nil, answers{"ssm GetParameter /cdk-bootstrap/hnb659fds/version": missing}, stops, "npx aws-cdk bootstrap aws://111122223333/eu-central-1"},
		"an old bootstrap":                  {nil, answers{"ssm GetParameter /cdk-bootstrap/hnb659fds/version": {200, `{"Parameter":{"Value":"5"}}`}}, stops, "has version 5 and 6 is needed"},
		"a canary without data":             {func(s []preflight.Stack) []preflight.Stack { return s[1:] }, answers{"ssm GetParameter /countersign/countersign-data/table": missing, "ssm GetParameter /countersign/countersign-data/stream": missing}, stops, "deploy the service to which the data belong first"},
		"a function of the name":            {nil, answers{"lambda GET /2015-03-31/functions": {200, `{"Functions":[{"FunctionName":"countersign-send"}]}`}}, stops, "There is a function countersign-send, and the stack countersign is not"},
		"a log group of the name":           {nil, answers{"logs DescribeLogGroups": {200, `{"logGroups":[{"logGroupName":"/countersign/countersign/functions"}]}`}}, stops, "aws logs delete-log-group --region eu-central-1 --log-group-name /countersign/countersign/functions"},
		"a quota of ten":                    {nil, answers{"lambda GET /2016-08-19/account-settings": {200, `{"AccountLimit":{"ConcurrentExecutions":10,"UnreservedConcurrentExecutions":10}}`}}, stops, "sms.concurrency reserves 5 executions and Lambda keeps 100 free, but the account has 10 unreserved of a quota of 10"},
		"a quota just too small":            {nil, answers{"lambda GET /2016-08-19/account-settings": {200, `{"AccountLimit":{"ConcurrentExecutions":1000,"UnreservedConcurrentExecutions":104}}`}}, stops, "set sms.concurrency to 0"},
		"a quota just enough":               {nil, answers{"lambda GET /2016-08-19/account-settings": {200, `{"AccountLimit":{"ConcurrentExecutions":1000,"UnreservedConcurrentExecutions":105}}`}}, warns, ""},
		"a small quota":                     {func(s []preflight.Stack) []preflight.Stack { delete(s[1].Resources, "Send"); return s }, answers{"lambda GET /2016-08-19/account-settings": {200, `{"AccountLimit":{"ConcurrentExecutions":50,"UnreservedConcurrentExecutions":50}}`}}, warns, "at most 50 functions at once"},
		"the sandbox":                       {nil, answers{"sns GetSMSSandboxAccountStatus": xmlOf("GetSMSSandboxAccountStatus", "<IsInSandbox>true</IsInSandbox>")}, warns, "SMS sandbox in eu-central-1"},
		"a dollar a month":                  {nil, answers{"sns GetSMSAttributes": xmlOf("GetSMSAttributes", "<attributes><entry><key>MonthlySpendLimit</key><value>1</value></entry></attributes>")}, warns, "at most $1 a month"},
		"no spending limit":                 {nil, answers{"sns GetSMSAttributes": xmlOf("GetSMSAttributes", "<attributes/>")}, warns, "at most $1 a month"},
		"no certificate":                    {nil, answers{"acm DescribeCertificate": jsonError(400, "ResourceNotFoundException")}, stops, "domain.certificate: there is no certificate " + cert},
		"a pending certificate":             {nil, answers{"acm DescribeCertificate": certificate("PENDING_VALIDATION")}, stops, "create the DNS records"},
		"an expired certificate":            {nil, answers{"acm DescribeCertificate": certificate("EXPIRED")}, stops, "is EXPIRED and cannot be used"},
		"no certificate at the edge":        {atEdge, answers{"us-east-1 acm DescribeCertificate": jsonError(400, "ResourceNotFoundException")}, stops, "edge.certificate: there is no certificate " + edgeCert + " in us-east-1"},
		"a pending certificate at the edge": {atEdge, answers{"us-east-1 acm DescribeCertificate": certificate("PENDING_VALIDATION")}, stops, "edge.certificate: the certificate waits for its validation: create the DNS records that aws acm describe-certificate --region us-east-1"},
		"another certificate at the edge":   {atEdge, answers{"us-east-1 acm DescribeCertificate": {200, `{"Certificate":{"DomainName":"example.org","Status":"ISSUED"}}`}}, stops, "edge.certificate: the certificate is for example.org and not for clerk.example.com"},
		"a certificate at the edge":         {atEdge, answers{"us-east-1 acm DescribeCertificate": certificate("ISSUED")}, warns, ""},
		"another team's stack":              {described, answers{"cloudformation DescribeStacks countersign": stackWith("UPDATE_COMPLETE", "The shop")}, stops, "There is another stack countersign in eu-central-1, with the description \"The shop\", and the deployment would replace it: choose another name"},
		"another team's failed stack":       {described, answers{"cloudformation DescribeStacks countersign": stackWith("ROLLBACK_COMPLETE", "")}, stops, "There is another stack countersign in eu-central-1, with the description \"\""},
		"the deployed service":              {described, answers{"cloudformation DescribeStacks countersign": stackWith("UPDATE_COMPLETE", "The service")}, warns, ""},
		"another certificate":               {nil, answers{"acm DescribeCertificate": {200, `{"Certificate":{"DomainName":"example.org","Status":"ISSUED"}}`}}, stops, "is for example.org and not for clerk.example.com"},
		"no alarm address":                  {func(s []preflight.Stack) []preflight.Stack { delete(s[1].Resources, "Mail"); return s }, nil, warns, "alarm_mail is not set"},
		"an unconfirmed address":            {nil, answers{"cloudformation DescribeStacks countersign": stackIn("UPDATE_COMPLETE"), "sns ListSubscriptionsByTopic": xmlOf("ListSubscriptionsByTopic", "<Subscriptions><member><SubscriptionArn>PendingConfirmation</SubscriptionArn><Endpoint>ops@example.com</Endpoint></member></Subscriptions>")}, warns, "ops@example.com has not confirmed"},
		"no existing table":                 {restored, nil, stops, "existing.table: there is no table restored in eu-central-1"},
		"an incomplete table":               {restored, bareTable(), stops, "existing.table: restored: it has no deletion protection"},
		"another service's counts":          {nil, withData(answers{"lambda GET /2015-03-31/event-source-mappings": mappingOf("countersign-next-count")}), stops, "countersign-next-count counts the statistics of this table already"},
		"a stack with its counts":           {nil, withData(answers{"cloudformation DescribeStacks countersign": stackIn("UPDATE_COMPLETE"), "lambda GET /2015-03-31/event-source-mappings": mappingOf("countersign-count")}), warns, ""},
		"a parameter of the name":           {nil, answers{"ssm GetParameter /countersign/countersign-data/table": withData(nil)["ssm GetParameter /countersign/countersign-data/table"]}, stops, "There is an SSM parameter /countersign/countersign-data/table in eu-central-1, and the stack countersign-data is not"},
		"another stream":                    {restored, complete("arn:of:another"), stops, "existing.table_stream: the stream of restored is \"arn:of:another\" and not " + stream},
		"a complete table":                  {restored, complete(stream), warns, ""},
		"no existing key":                   {kept, answers{"kms DescribeKey": jsonError(400, "NotFoundException")}, stops, "existing.sealing_key: there is no key " + key},
		"a key on its way out":              {kept, answers{"kms DescribeKey": keyIn("PendingDeletion")}, stops, "aws kms cancel-key-deletion"},
		"a key switched off":                {kept, answers{"kms DescribeKey": keyIn("Disabled")}, stops, "aws kms enable-key"},
		"a key for signatures":              {kept, answers{"kms DescribeKey": {200, `{"KeyMetadata":{"KeyId":"1","KeyState":"Enabled","KeySpec":"ECC_NIST_P256"}}`}}, stops, "has the type ECC_NIST_P256"},
		"no existing secret":                {kept, answers{"secretsmanager DescribeSecret": jsonError(400, "ResourceNotFoundException")}, stops, "existing.secret: there is no secret"},
		"a secret on its way out":           {kept, answers{"secretsmanager DescribeSecret": {200, `{"ARN":"s","DeletedDate":1700000000}`}}, stops, "aws secretsmanager restore-secret"},
		"a kept key and secret":             {kept, nil, warns, ""},
		"no permission":                     {nil, answers{"lambda GET /2016-08-19/account-settings": jsonError(403, "AccessDeniedException")}, warns, "your credentials lack the permission lambda:GetAccountSettings"},
		"no permission of SNS":              {nil, answers{"sns GetSMSAttributes": xmlError(403, "AuthorizationError", "no")}, warns, "your credentials lack the permission sns:GetSMSAttributes"},
		"no permission of stacks":           {nil, answers{"cloudformation DescribeStacks countersign": xmlError(403, "AccessDenied", "no")}, warns, "your credentials lack the permission cloudformation:DescribeStacks"},
		"an AWS that fails":                 {nil, answers{"acm DescribeCertificate": jsonError(500, "InternalFailure")}, warns, "part of the account is not checked"},
	} {
		t.Run(name, func(t *testing.T) {
			stacks, all := deployment(), ready()
			if c.change != nil {
				stacks = c.change(stacks)
			}
			maps.Copy(all, c.answers)
			found, _ := check(t, stacks, all)
			if c.says == "" && len(found) > 0 || c.says != "" && len(found) == 0 {
				t.Fatalf("%v, want %q", found, c.says)
			}
			if c.says != "" && (!strings.Contains(found[0].Sentence, c.says) || found[0].Stops != c.stops) {
				t.Errorf("%v, want %q", found, c.says)
			}
		})
	}
}

// atEdge puts CloudFront in front of the service.
func atEdge(s []preflight.Stack) []preflight.Stack {
	s[1].Resources["Edge"] = resource("AWS::CloudFront::Distribution", map[string]any{"DistributionConfig": map[string]any{
		"Aliases": []any{"clerk.example.com"}, "ViewerCertificate": map[string]any{"AcmCertificateArn": edgeCert},
	}})
	return s
}

// described gives the template of the service a description.
func described(s []preflight.Stack) []preflight.Stack {
	s[1].Description = "The service"
	return s
}

// existing makes the functions use data of the settings.
func existing(s []preflight.Stack, variables map[string]any) []preflight.Stack {
	s[1].Resources["Count"].Properties["Environment"] = map[string]any{"Variables": variables}
	return s
}

// restored makes the deployment use a table of the settings.
func restored(s []preflight.Stack) []preflight.Stack {
	s[1].Resources["Feed"].Properties["EventSourceArn"] = stream
	return existing(s, map[string]any{"COUNTERSIGN_TABLE": "restored"})
}

// kept makes the deployment use a key and a secret of the settings.
func kept(s []preflight.Stack) []preflight.Stack {
	return existing(s, map[string]any{"COUNTERSIGN_KEY": key, "COUNTERSIGN_SECRET": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:x-AbCdEf"})
}

// bareTable describes a table that DynamoDB restored, and nothing else changed but its stream.
func bareTable() map[string]answer { return tableWith(`"LatestStreamArn":"` + stream + `"`) }

// complete describes a table that lacks nothing and has a stream.
func complete(arn string) map[string]answer {
	return tableWith(`"DeletionProtectionEnabled":true,"LatestStreamArn":"` + arn + `"`)
}

func tableWith(more string) map[string]answer {
	index := func(name, partition, sort string) string {
		return fmt.Sprintf(`{"IndexName":%q,"KeySchema":[{"AttributeName":%q,"KeyType":"HASH"},{"AttributeName":%q,"KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}`, name, partition, sort)
	}
	table := `{"Table":{"TableName":"restored","TableStatus":"ACTIVE","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"BillingModeSummary":{"BillingMode":"PAY_PER_REQUEST"},` +
		`"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"},"GlobalSecondaryIndexes":[` + index("expiry", "xs", "xe") + "," + index("lists", "ls", "lp") + `],` + more + `}}`
	return map[string]answer{
		"dynamodb DescribeTable":             {200, table},
		"dynamodb DescribeTimeToLive":        {200, `{"TimeToLiveDescription":{"TimeToLiveStatus":"ENABLED","AttributeName":"ttl"}}`},
		"dynamodb DescribeContinuousBackups": {200, `{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED","PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"ENABLED"}}}`},
	}
}
