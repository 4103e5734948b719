package restore_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/countersign-mfa/countersign/internal/aws/restore"
)

// TestIncompleteAnswersOfDynamoDB: an answer without a table is an error, and an empty token ends a
// list. Asked for with an empty token, DynamoDB begins the list again.
func TestIncompleteAnswersOfDynamoDB(t *testing.T) {
	table := `{"Table":{"TableStatus":"ACTIVE","TableArn":"arn:old","DeletionProtectionEnabled":true,"StreamSpecification":{"StreamEnabled":true},"RestoreSummary":{"SourceTableArn":"arn:old","RestoreDateTime":1,"RestoreInProgress":false}}}`
	lists := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answers := map[string]string{
			"DescribeTable": table, "DescribeTimeToLive": `{"TimeToLiveDescription":{"TimeToLiveStatus":"ENABLED","AttributeName":"ttl"}}`, "ListTagsOfResource": `{"Tags":[],"NextToken":""}`,
		}
		_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		if action == "ListTagsOfResource" {
			if lists++; lists > 3 {
				t.Error("the list of tags begins again")
				delete(answers, action) // {} ends it
			}
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		if answers[action] == "" {
			answers[action] = `{}`
		}
		_, _ = io.WriteString(w, answers[action])
	}))
	defer server.Close()
	client := dynamodb.New(dynamodb.Options{BaseEndpoint: &server.URL, Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""), RetryMaxAttempts: 1})
	r := restore.Restore{Client: client, From: "old", To: "new", Tell: func(string, ...any) {}, Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	if _, err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "the table new is not complete: ") || lists != 1 {
		t.Errorf("%d lists, %v", lists, err)
	}
	table = `{}`
	if _, err := restore.Lacks(t.Context(), client, "new"); err == nil || !strings.Contains(err.Error(), "without a table") {
		t.Errorf("an empty answer: %v", err)
	}
}
