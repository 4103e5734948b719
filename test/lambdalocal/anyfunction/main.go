// Command anyfunction is the bootstrap of every function in one binary, for tests and trials on
// this machine: to link each function by itself takes minutes. Each function still runs as a
// process of its own, with its own environment, over the Lambda Runtime API. The process serves the
// function that AWS_LAMBDA_FUNCTION_NAME names.
package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/deliver"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/newnumbers"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/pages"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/rotation"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/smslogging"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/smsreports"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/smssender"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/unrouted"
)

var jobs = map[plan.Job]func(){
	plan.Cleanup: lambdahost.ServeCleanup, plan.Count: lambdahost.ServeCount, plan.Deliver: deliver.Serve, plan.Pages: pages.Serve, plan.Rotate: rotation.Serve,
	plan.Logging: smslogging.Serve, plan.Reports: smsreports.Serve, plan.Unrouted: unrouted.Serve,
}

func main() {
	name := os.Getenv("AWS_LAMBDA_FUNCTION_NAME")
	all := plan.Functions()
	at := slices.IndexFunc(all, func(f plan.Function) bool { return f.Name == name })
	if at < 0 {
		fmt.Fprintf(os.Stderr, "there is no function %q\n", name)
		os.Exit(1)
	}
	if job := all[at].Job; job != "" {
		serve, ok := jobs[job]
		if !ok {
			fmt.Fprintf(os.Stderr, "the job %q is not in this binary\n", job)
			os.Exit(1)
		}
		serve()
		return
	}
	lambdahost.Serve(deps(all[at].Permissions), all[at].Operations...)
}

// deps are the dependencies that a function's own main names.
func deps(p operation.Permissions) lambdahost.Deps {
	var d lambdahost.Deps
	if p.Has(operation.SendsSMS) {
		d.Sender = smssender.New
	}
	if p.Has(operation.Numbers) {
		d.Numbers = newnumbers.New
	}
	return d
}
