package awsstub

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
)

// Backups stands in for DynamoDB's point-in-time recovery, in front of a compatible server without
// it. Its rules are those of
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html
//
//   - "You must manually set up the following on the restored table: … Tags, Stream settings, Time
//     to Live (TTL) settings, Point in time recovery settings". Keys, indexes and data are
//     restored. Deletion protection is off, as for each new table that does not ask for it.
//   - The source must have point-in-time recovery (PointInTimeRecoveryUnavailableException), and
//     the target must not exist (TableAlreadyExistsException).
//   - The restored table is CREATING for a while. Until then changes of the table fail with
//     ResourceInUseException (API_UpdateTable), and those of its backups with
//     ContinuousBackupsUnavailableException (API_UpdateContinuousBackups).
//
// It restores the present state, whatever time the request names. It is an [http.Handler], safe for
// concurrent use.
type Backups struct {
	next http.Handler

	mu       sync.Mutex
	recovers map[string]bool
	source   map[string]string // ARN of the source by the name of a restored table
	creating map[string]int    // looks at a restored table that still find it CREATING
}

// looksWhileCreating is how often a restored table is seen as CREATING.
const looksWhileCreating = 3

// NewBackups returns a Backups in front of the endpoint. Tables have point-in-time recovery if a
// request sets it.
func NewBackups(endpoint string) (*Backups, error) {
	to, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	return &Backups{next: proxy, recovers: map[string]bool{}, source: map[string]string{}, creating: map[string]int{}}, nil
}

type object = map[string]any

// call passes a request of the stand-in itself on.
func (b *Backups) call(like *http.Request, action string, in object) (object, bool) {
	body, _ := json.Marshal(in) // maps of strings
	r := like.Clone(like.Context())
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+action)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	w := httptest.NewRecorder()
	b.next.ServeHTTP(w, r)
	var out object
	err := json.Unmarshal(w.Body.Bytes(), &out)
	return out, err == nil && w.Code == http.StatusOK
}

// ServeHTTP answers requests about backups, and passes others on.
func (b *Backups) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		fault(w, "SerializationException")
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var in object
	_ = json.Unmarshal(body, &in)
	table, _ := in["TableName"].(string)
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case action == "RestoreTableToPointInTime":
		b.restore(w, r, in)
	case action == "DescribeTable" && b.source[table] != "":
		b.describe(w, r, table)
	case action == "UpdateContinuousBackups" && b.creating[table] > 0:
		fault(w, "ContinuousBackupsUnavailableException")
	case strings.HasPrefix(action, "Update") && b.creating[table] > 0:
		fault(w, "ResourceInUseException")
	case action == "UpdateContinuousBackups", action == "DescribeContinuousBackups":
		b.recovery(w, r, action, table, in)
	default:
		b.next.ServeHTTP(w, r)
	}
}

func (b *Backups) recovery(w http.ResponseWriter, r *http.Request, action, table string, in object) {
	if _, ok := b.call(r, "DescribeTable", object{"TableName": table}); !ok {
		fault(w, "TableNotFoundException")
		return
	}
	if action == "UpdateContinuousBackups" {
		set, _ := in["PointInTimeRecoverySpecification"].(object)
		b.recovers[table], _ = set["PointInTimeRecoveryEnabled"].(bool)
	}
	status := "DISABLED"
	if b.recovers[table] {
		status = "ENABLED"
	}
	reply(w, object{"ContinuousBackupsDescription": object{
		"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": object{"PointInTimeRecoveryStatus": status},
	}})
}

// describe adds the summary of the restore to a description, and the status.
func (b *Backups) describe(w http.ResponseWriter, r *http.Request, table string) {
	out, ok := b.call(r, "DescribeTable", object{"TableName": table})
	if !ok {
		fault(w, "ResourceNotFoundException")
		return
	}
	is := out["Table"].(object)
	is["RestoreSummary"] = object{"SourceTableArn": b.source[table], "RestoreInProgress": b.creating[table] > 0, "RestoreDateTime": 1_700_000_000}
	if b.creating[table] > 0 {
		b.creating[table]--
		is["TableStatus"] = "CREATING"
	}
	reply(w, out)
}

func (b *Backups) restore(w http.ResponseWriter, r *http.Request, in object) {
	from, _ := in["SourceTableName"].(string)
	to, _ := in["TargetTableName"].(string)
	_, timed := in["RestoreDateTime"]
	latest, _ := in["UseLatestRestorableTime"].(bool)
	described, ok := b.call(r, "DescribeTable", object{"TableName": from})
	switch _, there := b.call(r, "DescribeTable", object{"TableName": to}); {
	case !ok:
		fault(w, "TableNotFoundException")
		return
	case there:
		fault(w, "TableAlreadyExistsException")
		return
	case !b.recovers[from]:
		fault(w, "PointInTimeRecoveryUnavailableException")
		return
	case timed == latest:
		fault(w, "InvalidRestoreTimeException")
		return
	}
	is := described["Table"].(object)
	var indexes []object
	list, _ := is["GlobalSecondaryIndexes"].([]any)
	for _, index := range list {
		index := index.(object)
		indexes = append(indexes, object{"IndexName": index["IndexName"], "KeySchema": index["KeySchema"], "Projection": index["Projection"]})
	}
	if _, ok := b.call(r, "CreateTable", object{
		"TableName": to, "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": is["AttributeDefinitions"], "KeySchema": is["KeySchema"], "GlobalSecondaryIndexes": indexes,
	}); !ok || !b.copyItems(r, from, to) {
		fault(w, "InternalServerError")
		return
	}
	b.source[to], b.creating[to] = is["TableArn"].(string), looksWhileCreating
	reply(w, object{"TableDescription": object{"TableName": to, "TableStatus": "CREATING"}})
}

func (b *Backups) copyItems(r *http.Request, from, to string) bool {
	in := object{"TableName": from}
	for {
		page, ok := b.call(r, "Scan", in)
		if !ok {
			return false
		}
		items, _ := page["Items"].([]any)
		for _, item := range items {
			if _, ok := b.call(r, "PutItem", object{"TableName": to, "Item": item}); !ok {
				return false
			}
		}
		if page["LastEvaluatedKey"] == nil {
			return true
		}
		in["ExclusiveStartKey"] = page["LastEvaluatedKey"]
	}
}
