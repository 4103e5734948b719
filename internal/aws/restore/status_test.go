package restore_test

import (
	"context"
	"errors"
	"fmt"
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

// TestARestoreDoesNotWaitForEver: a table that does not become active by itself ends the restore.
// The states are those of TableStatus:
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
func TestARestoreDoesNotWaitForEver(t *testing.T) {
	paused := errors.New("paused")
	for status, waits := range map[string]bool{
		"CREATING": true, "UPDATING": true, "DELETING": false, "INACCESSIBLE_ENCRYPTION_CREDENTIALS": false, "ARCHIVING": false, "ARCHIVED": false, "REPLICATION_NOT_AUTHORIZED": false,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			shown := "ACTIVE"
			if strings.Contains(string(body), "new") {
				shown = status
			}
			_, _ = fmt.Fprintf(w, `{"Table":{"TableStatus":%q,"TableArn":"arn:old","RestoreSummary":{"SourceTableArn":"arn:old","RestoreDateTime":1,"RestoreInProgress":true}}}`, shown)
		}))
		r := restore.Restore{
			Client: dynamodb.New(dynamodb.Options{BaseEndpoint: &server.URL, Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""), RetryMaxAttempts: 1}),
			From:   "old", To: "new", Tell: func(string, ...any) {}, Pause: func(context.Context, time.Duration) error { return paused },
		}
		_, err := r.Run(t.Context())
		server.Close()
		if err == nil || errors.Is(err, paused) != waits || !waits && !strings.Contains(err.Error(), status) {
			t.Errorf("%s: %v", status, err)
		}
	}
}
