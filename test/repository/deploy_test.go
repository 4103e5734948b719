package repository_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/test/needs"
)

// The programs that scripts/deploy.sh calls. Each adds its name and arguments to the file calls.
const (
	stubCDK = `echo "cdk $*" >> calls; [ -z "$CDK_FAILS" ] || exit 1
while [ $# -gt 0 ]; do if [ "$1" = --outputs-file ]; then printf '%s' "$OUTPUTS" > "$2"; fi; shift; done`
	stubAWS = `echo "aws $*" >> calls
case "$1" in
sns) printf '%s\n' "$MAILS" ;;
secretsmanager) [ -z "$NO_SECRET" ] || exit 254; echo sk_live_hidden ;;
esac`
	stubSmoke = `echo "smoke $*" >> calls; [ "$COUNTERSIGN_SECRET_KEY" = sk_live_hidden ] || echo "no key" >> calls; [ -z "$SMOKE_FAILS" ]`
)

// TestDeployScript: the script deploys, says whether alarms reach anybody, reads the secret key of
// the stack that it deployed, and tries it. When that fails it fails and says how to go back. The
// key is no argument of a program, and nothing prints it.
func TestDeployScript(t *testing.T) {
	node, _ := exec.LookPath("node")
	needs.Or(t, node, needs.Node, "the script reads the outputs with Node")
	const outputs = `{"cs-data":{"TableArn":"x"},"cs":{"ApiUrl":"https://auth.example.com","SecretKeyArn":"arn:aws:secretsmanager:eu-west-1:1:secret:s","AlarmTopic":"arn:aws:sns:eu-west-1:1:t"}}`
	const confirmed = "arn:aws:sns:eu-west-1:1:t:1"
	deployed := []string{"cdk deploy --all --outputs-file", "aws sns list-subscriptions-by-topic --region eu-west-1 --topic-arn arn:aws:sns:eu-west-1:1:t"}
	tried := append(deployed, "aws secretsmanager get-secret-value --region eu-west-1 --secret-id arn:aws:secretsmanager:eu-west-1:1:secret:s", "smoke smoke https://auth.example.com")
	for name, tc := range map[string]struct {
		env   []string
		ok    bool
		says  string
		calls []string
	}{
		"all is well":             {[]string{"OUTPUTS=" + outputs, "MAILS=" + confirmed}, true, "Alarms reach 1 confirmed", tried},
		"an unconfirmed address":  {[]string{"OUTPUTS=" + outputs, "MAILS=PendingConfirmation"}, true, "has not confirmed", tried},
		"no address":              {[]string{"OUTPUTS=" + outputs, "MAILS=None"}, true, "set alarm_mail", tried},
		"the smoke test fails":    {[]string{"OUTPUTS=" + outputs, "MAILS=" + confirmed, "SMOKE_FAILS=1"}, false, "To go back, check out the version", tried},
		"no secret key":           {[]string{"OUTPUTS=" + outputs, "MAILS=" + confirmed, "NO_SECRET=1"}, false, "could not be read. To go back", tried[:3]},
		"CloudFormation fails":    {[]string{"CDK_FAILS=1"}, false, "", tried[:1]},
		"a stack without outputs": {[]string{`OUTPUTS={"cs":{}}`}, false, "no outputs", tried[:1]},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			text := read(t, "scripts/deploy.sh")
			for file, content := range map[string]string{"scripts/deploy.sh": text, "stubs/cdk": stubCDK, "stubs/aws": stubAWS, "bin/countersign-tools": stubSmoke} {
				path := filepath.Join(dir, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte("#!/usr/bin/env bash\n"+content+"\n"), 0o700); err != nil { //nolint:gosec // programs of the test
					t.Fatal(err)
				}
			}
			run := exec.CommandContext(t.Context(), "bash", filepath.Join(dir, "scripts", "deploy.sh"), "cdk", "deploy", "--all")
			run.Env = append(append(os.Environ(), "PATH="+filepath.Join(dir, "stubs")+string(os.PathListSeparator)+os.Getenv("PATH")), tc.env...)
			said, err := run.CombinedOutput()
			if (err == nil) != tc.ok || !strings.Contains(string(said), tc.says) {
				t.Errorf("passes %v, and says %q; want %v and %q", err == nil, said, tc.ok, tc.says)
			}
			made, _ := os.ReadFile(filepath.Join(dir, "calls"))
			calls := strings.Split(strings.TrimSpace(string(made)), "\n")
			for i, want := range tc.calls {
				if i >= len(calls) || !strings.HasPrefix(calls[i], want) {
					t.Fatalf("calls %q, want %q", calls, tc.calls)
				}
			}
			if len(calls) != len(tc.calls) || strings.Contains(string(made)+string(said), "sk_live") {
				t.Errorf("calls %q and says %q: more than wanted, or with the key", calls, said)
			}
		})
	}
	// The CDK keeps the present values of parameters by default. A service whose setting data changed
	// would then go on with the table of the former data, whose roles its new roles are not.
	// https://docs.aws.amazon.com/cdk/v2/guide/ref-cli-cmd-deploy.html
	if !regexp.MustCompile(`(?m)^\t@bash scripts/deploy.sh \$\(CDK\) deploy --all .*--no-previous-parameters `).MatchString(read(t, "Makefile")) {
		t.Error("make deploy does not call the script, or keeps the former values of parameters")
	}
}
