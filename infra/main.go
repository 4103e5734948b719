// Command infra is the CDK app: it turns the deployment plan and the team's settings into
// CloudFormation templates. `make synth` and `make deploy` run it. SETTINGS names the settings
// file, and ZIPS a directory with the functions' zips; without ZIPS it builds them. With STACK=acl
// it makes only the web ACL.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/countersign-mfa/countersign/infra/bundle"
	"github.com/countersign-mfa/countersign/infra/plan"
)

func main() {
	defer jsii.Close()
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	path := os.Getenv("SETTINGS")
	if path == "" {
		path = "infra/settings.yaml"
	}
	settings, err := ReadSettings(path)
	if err != nil {
		return err
	}
	env := Env{Account: os.Getenv("CDK_DEFAULT_ACCOUNT"), Region: os.Getenv("CDK_DEFAULT_REGION")}
	if err := settings.CheckNow(env, time.Now()); err != nil {
		return fmt.Errorf("%s:\n%w", path, err)
	}
	app := NewApp()
	if os.Getenv("STACK") == "acl" {
		if settings.Edge == nil {
			return fmt.Errorf("%s:\n%w", path, errNoEdge)
		}
		NewACL(app, settings, env)
		app.Synth(nil)
		return nil
	}
	if err := settings.Edge.complete(env); err != nil {
		return fmt.Errorf("%s:\n%w", path, err)
	}
	zips := os.Getenv("ZIPS")
	if zips == "" {
		zips = filepath.Join("bin", "lambda")
		fmt.Fprintln(os.Stderr, "building the functions, which takes about two minutes the first time")
		if err := bundle.Pack(ctx, ".", "arm64", zips, names()...); err != nil {
			return err
		}
	}
	NewStacks(app, settings, env, func(name string) string {
		return filepath.Join(zips, name+".zip")
	})
	app.Synth(nil)
	return nil
}

// names returns the names of all functions.
func names() []string {
	var found []string
	for _, f := range plan.Functions() {
		found = append(found, f.Name)
	}
	return found
}

// NewApp returns an app whose template does not depend on its environment. It sets feature flags
// here, because only the CDK's own command line reads them from cdk.json.
func NewApp() awscdk.App {
	return awscdk.NewApp(&awscdk.AppProps{
		AnalyticsReporting: jsii.Bool(false),
		Context: &map[string]any{
			"@aws-cdk/core:enablePartitionLiterals":                 true,
			"@aws-cdk/core:target-partitions":                       []string{"aws"},
			"@aws-cdk/aws-iam:minimizePolicies":                     true,
			"@aws-cdk/aws-kms:aliasNameRef":                         true,
			"@aws-cdk/aws-lambda:recognizeLayerVersion":             true,
			"@aws-cdk/aws-dynamodb:resourcePolicyPerReplica":        true,
			"@aws-cdk/core:checkSecretUsage":                        true,
			"aws-cdk:enableDiffNoFail":                              true,
			"@aws-cdk/aws-lambda:useCdkManagedLogGroup":             false,
			"@aws-cdk/core:explicitStackTags":                       true,
			"@aws-cdk/aws-sns-subscriptions:restrictSqsDescryption": true,
		},
	})
}
