// Package watch says what a deployment watches: alarms, the access log and the metrics made of it,
// saved queries and the dashboard. It knows no CDK, so that tests of it are fast; the
// infrastructure renders it.
package watch

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
)

// Placeholders stand in dimensions, expressions and names for what only a deployment knows.
const (
	Stack   = "${Stack}"   // name of the service stack, with which the functions' names begin
	Gateway = "${Gateway}" // id of the HTTP API
	Table   = "${Table}"   // name of the table
	Queue   = "${Queue}"   // name of the dead-letter queue
	Topic   = "${Topic}"   // name of the topic that alarms notify
	Vault   = "${Vault}"   // name of the backup vault
)

// Metric is a CloudWatch metric with its statistic.
type Metric struct {
	Namespace, Name, Statistic string
	Dimensions                 map[string]string
}

// NoData says what missing data means for an alarm.
type NoData string

// The meanings of missing data, as CloudFormation calls their treatments.
const (
	// Calm: the metric has data only when there is something to count.
	Calm NoData = "notBreaching"
	// Silence: the metric has data in every period. When it ends the alarm notifies: it then has too
	// little data, as a new alarm has, so the first day sends no mail.
	Silence NoData = "missing"
)

// Alarm is one CloudWatch alarm.
type Alarm struct {
	Name string
	// Section is the section of docs/operate/runbook.md; empty for one with the alarm's name.
	Section string
	About   string // a sentence without its full stop
	Metrics map[string]Metric
	// Expression is metric math over Metrics, or a Metrics Insights query. Empty: the only metric.
	Expression string
	Period     time.Duration
	// Threshold: a data point is breaching when it is greater, or smaller with Under.
	Threshold float64
	Under     bool
	// Datapoints is M and Periods N of "M out of N".
	Datapoints, Periods int
	NoData              NoData
}

// In returns the section of the runbook.
func (a Alarm) In() string {
	if a.Section != "" {
		return a.Section
	}
	return a.Name
}

// OfService reports whether the alarm watches the service alone, by its HTTP API or its topic. The
// others watch the table, its jobs or the account, which a second service on the table shares.
func (a Alarm) OfService() bool {
	of := a.Expression
	for _, m := range a.Metrics {
		of += fmt.Sprint(m.Dimensions)
	}
	return strings.Contains(of, Gateway) || strings.Contains(of, Topic)
}

// OfBackups reports whether the alarm watches the backups of AWS Backup, which a setting switches
// on.
func (a Alarm) OfBackups() bool { return strings.Contains(a.Expression, Vault) }

// The limits of the alarms, where a name explains more than the number.
const (
	fewest      = 20  // codes that must have been checked before a ratio counts
	lockedMost  = 20  // users within an hour
	guessed     = 100 // wrong codes within five minutes, over all users
	keyDays     = 400 // keys-rotate replaces a master key after 365 days
	budgetShare = 0.8
	slowest     = 3000 // ms
	conflicts   = 300  // within five minutes
)

const (
	minutes5 = 5 * time.Minute
	hour     = time.Hour
	day      = 24 * time.Hour
	// behindMost is how long an expired record may wait for the cleanup.
	behindMost = day
	// ttlNear is how long a record has waited when ten days are left until DynamoDB's time to live
	// deletes it, 30 days after its end.
	ttlNear = 20 * day
)

// own returns a metric that the functions emit for this deployment.
func own(name, statistic string) Metric {
	return Metric{lambdahost.Namespace, name, statistic, map[string]string{lambdahost.MetricDimension: Table}}
}

func gateway(name, statistic string) Metric {
	return Metric{"AWS/ApiGateway", name, statistic, map[string]string{"ApiId": Gateway}}
}

func table(name string) Metric {
	return Metric{"AWS/DynamoDB", name, "Sum", map[string]string{"TableName": Table}}
}

// job returns a metric of a function.
func job(j plan.Job, name, statistic string) Metric {
	return Metric{"AWS/Lambda", name, statistic, map[string]string{"FunctionName": Stack + "-" + string(j)}}
}

func account(name, statistic string) Metric { return Metric{"AWS/SNS", name, statistic, nil} }

func only(m Metric) map[string]Metric { return map[string]Metric{"m": m} }

// Alarms returns all alarms. monthlyBudget is in US dollars.
func Alarms(monthlyBudget float64) []Alarm {
	var all []Alarm
	for _, list := range [][]Alarm{requests(), throttles(), texts(monthlyBudget), codes(), jobs(), backups(), webhooks()} {
		all = append(all, list...)
	}
	return append(all, Alarm{
		Name: "alarms-undelivered", About: "Mail of an alarm was not delivered",
		Metrics: only(Metric{"AWS/SNS", "NumberOfNotificationsFailed", "Sum", map[string]string{"TopicName": Topic}}), Period: minutes5, Datapoints: 1, Periods: 1, NoData: Calm,
	})
}

func requests() []Alarm {
	return []Alarm{
		{
			Name: "error-rate", About: "More than 1 % of requests fail on our side", Metrics: map[string]Metric{"failed": gateway("5xx", "Sum"), "all": gateway("Count", "Sum")},
			Expression: "IF(all>0,100*FILL(failed,0)/all,0)", Period: minutes5, Threshold: 1, Datapoints: 2, Periods: 2, NoData: Calm,
		},
		{
			// A route with few requests may fail always without reaching 1 % of all. No query selects the
			// Lambda metrics of one stack's functions, so these come from the access log.
			Name: "route-failing", About: "One route fails on our side",
			Expression: fmt.Sprintf("SELECT SUM(%s) FROM SCHEMA(%s, %s, %s) WHERE %s = '%s' GROUP BY %s ORDER BY SUM() DESC", MetricRouteErrors, lambdahost.Namespace, DimensionAPI, DimensionRoute, DimensionAPI, Gateway, DimensionRoute),
			Period:     minutes5, Threshold: 4, Datapoints: 2, Periods: 3, NoData: Calm,
		},
		{
			Name: "latency", About: "One request in a hundred takes longer than three seconds", Metrics: only(gateway("Latency", "p99")),
			Period: minutes5, Threshold: slowest, Datapoints: 3, Periods: 3, NoData: Calm,
		},
		{
			Name: "functions-throttled", About: "Functions of this deployment are throttled",
			Metrics: only(Metric{lambdahost.Namespace, MetricThrottled, "Sum", map[string]string{DimensionAPI: Gateway}}), Period: minutes5, Datapoints: 2, Periods: 3, NoData: Calm,
		},
	}
}

// throttles returns the alarms of the table. DynamoDB publishes these metrics only when something
// happens, and its alarms may keep their state without data, so FILL gives each data point a value.
// Each watches one metric: where a sum has no data for one part, it may have none at all.
func throttles() []Alarm {
	alarm := func(name, section, about string, m Metric, over float64) Alarm {
		return Alarm{Name: name, Section: section, About: about, Metrics: only(m), Expression: "FILL(m,0)", Period: minutes5, Threshold: over, Datapoints: 2, Periods: 3, NoData: Calm}
	}
	var all []Alarm
	for _, part := range []struct{ name, index string }{{"table", ""}, {"expiry-index", dynamo.ExpiryIndex}, {"list-index", dynamo.ListIndex}} {
		for _, word := range []string{"Read", "Write"} {
			m := table(word + "ThrottleEvents")
			if part.index != "" {
				m.Dimensions["GlobalSecondaryIndexName"] = part.index
			}
			words := strings.ToLower(word) + "s"
			all = append(all, alarm(part.name+"-"+words+"-throttled", "table-throttled", "DynamoDB throttles "+words+" of the "+part.name, m, 0))
		}
	}
	return append(all,
		alarm("table-conflicts", "", "Many transactions of the table meet on one item", table("TransactionConflict"), conflicts),
		Alarm{
			// SystemErrors has a metric for each operation.
			Name: "table-errors", About: "DynamoDB answers with errors of its own",
			Expression: fmt.Sprintf(`SELECT SUM(SystemErrors) FROM SCHEMA("AWS/DynamoDB", Operation, TableName) WHERE TableName = '%s'`, Table),
			Period:     minutes5, Threshold: 5, Datapoints: 2, Periods: 3, NoData: Calm,
		})
}

func texts(monthlyBudget float64) []Alarm {
	all := []Alarm{
		{
			Name: "sms-spend", About: "Four fifths of the month's budget for text messages are spent", Metrics: only(account("SMSMonthToDateSpentUSD", "Maximum")),
			Period: minutes5, Threshold: budgetShare * monthlyBudget, Datapoints: 1, Periods: 1, NoData: Calm,
		},
		{Name: "sms-failing", About: "Text messages are not accepted", Metrics: only(own(lambdahost.MetricFailed, "Sum")), Period: minutes5, Threshold: 5, Datapoints: 2, Periods: 2, NoData: Calm},
		{
			Name: "sms-dropped", About: "SNS drops text messages because of a setting or a limit of the account", Metrics: only(own(lambdahost.MetricDropped, "Sum")),
			Period: minutes5, Datapoints: 1, Periods: 1, NoData: Calm,
		},
		{
			// Each message of the account is a sample, 1 or 0, so the average is a share from 0 to 1, and
			// the sum the number that arrived. AWS documents "Units: Count. Valid Statistics: Sum,
			// Average, Data Samples" (sns/latest/dg/sns-monitoring-using-cloudwatch.html), no percentage.
			Name: "sms-success-rate", About: "More than three of ten text messages of the account do not arrive", Metrics: only(account("SMSSuccessRate", "Average")),
			Period: hour, Threshold: 0.7, Under: true, Datapoints: 2, Periods: 2, NoData: Calm,
		},
		{Name: "sms-breaker", About: "Text messages are refused: too few codes are used", Metrics: only(own(lambdahost.MetricBreaker, "Sum")), Period: minutes5, Datapoints: 1, Periods: 1, NoData: Calm},
	}
	for _, share := range []struct {
		percent int
		about   string
	}{
		{50, "Half of a day's money for text messages is spent"}, {80, "Four fifths of a day's money for text messages are spent"},
		{100, "Text messages are refused: the day's money is spent"},
	} {
		all = append(all, Alarm{
			Name: "sms-day-" + strconv.Itoa(share.percent), Section: "sms-day", About: share.about, Metrics: only(own(lambdahost.MetricSpent, "Maximum")),
			Period: minutes5, Threshold: float64(share.percent - 1), Datapoints: 1, Periods: 1, NoData: Calm,
		})
	}
	return all
}

// codes returns the alarms on wrong codes. Each checked code adds to both metrics, one of them by
// 0: without data for one of two metrics an expression may have no value.
func codes() []Alarm {
	both := map[string]Metric{"wrong": own(lambdahost.MetricRefused, "Sum"), "right": own(lambdahost.MetricVerified, "Sum")}
	return []Alarm{
		{
			Name: "users-locked", About: "Many users were locked out within an hour", Metrics: only(own(lambdahost.MetricLocked, "Sum")),
			Period: hour, Threshold: lockedMost, Datapoints: 1, Periods: 1, NoData: Calm,
		},
		{
			Name: "codes-refused", About: "More than half of the codes are wrong", Metrics: both,
			Expression: fmt.Sprintf("IF(wrong+right>%d,100*wrong/(wrong+right),0)", fewest), Period: 15 * time.Minute, Threshold: 50, Datapoints: 2, Periods: 2, NoData: Calm,
		},
		{
			Name: "guessing", About: "More than 100 wrong codes within five minutes, more than a fifth of all", Metrics: both,
			Expression: fmt.Sprintf("IF(wrong>%d,100*wrong/(wrong+right),0)", guessed), Period: minutes5, Threshold: 20, Datapoints: 1, Periods: 1, NoData: Calm,
		},
	}
}

func jobs() []Alarm {
	failing := func(name, about string, j plan.Job, period time.Duration, n int) Alarm {
		return Alarm{Name: name, About: about, Metrics: only(job(j, "Errors", "Sum")), Period: period, Datapoints: n, Periods: n, NoData: Calm}
	}
	// running goes off by silence alone: Lambda counts no period without invocations.
	running := func(name, about string, j plan.Job, period time.Duration) Alarm {
		return Alarm{Name: name, About: about, Metrics: only(job(j, "Invocations", "Sum")), Period: period, Threshold: 1, Under: true, Datapoints: 3, Periods: 3, NoData: Silence}
	}
	all := []Alarm{
		running("cleanup-age", "The cleanup does not run", plan.Cleanup, 30*time.Minute),
		failing("cleanup-failing", "The cleanup fails", plan.Cleanup, hour, 2),
		{
			Name: "cleanup-behind", About: "The cleanup is a day behind", Metrics: only(own(lambdahost.MetricBehind, "Minimum")),
			Period: hour, Threshold: behindMost.Seconds(), Datapoints: 2, Periods: 2, NoData: Calm,
		},
		{
			Name: "cleanup-late", Section: "cleanup-behind", About: "In ten days DynamoDB deletes records that the cleanup has not seen", Metrics: only(own(lambdahost.MetricBehind, "Minimum")),
			Period: hour, Threshold: ttlNear.Seconds(), Datapoints: 2, Periods: 2, NoData: Calm,
		},
		failing("rotation-failing", "The key rotation fails", plan.Rotate, hour, 1),
		{
			Name: "key-age", About: "The master key was not replaced in time", Metrics: only(own(lambdahost.MetricKeyAge, "Maximum")),
			Period: day, Threshold: keyDays, Datapoints: 2, Periods: 2, NoData: Silence,
		},
		{
			Name: "statistics-late", About: "Statistics are an hour behind", Metrics: only(job(plan.Count, "IteratorAge", "Maximum")),
			Period: minutes5, Threshold: float64(hour.Milliseconds()), Datapoints: 1, Periods: 1, NoData: Calm,
		},
		{
			Name: "dead-letters", About: "A scheduled run was given up, or a batch was not counted",
			Metrics: only(Metric{"AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", map[string]string{"QueueName": Queue}}), Period: minutes5, Datapoints: 1, Periods: 1, NoData: Calm,
		},
	}
	for _, j := range plan.Scheduled() {
		all = append(all, Alarm{
			Name: string(j) + "-dropped", Section: "dead-letters", About: "Lambda dropped runs of " + string(j), Metrics: only(job(j, "AsyncEventsDropped", "Sum")),
			Period: minutes5, Datapoints: 1, Periods: 1, NoData: Calm,
		})
	}
	age := running("deliver-age", "Webhooks and notices are not delivered: their function does not run", plan.Deliver, minutes5)
	fails := failing("deliver-failing", "The delivery of webhooks and notices fails", plan.Deliver, 15*time.Minute, 2)
	age.Section, fails.Section = "webhooks-failing", "webhooks-failing"
	return append(all, age, fails)
}

// backups returns the alarms of AWS Backup. Its guide does not say with which dimensions beside the
// vault it publishes these metrics, so the queries take all that name the vault.
func backups() []Alarm {
	alarm := func(name, about, metric string) Alarm {
		return Alarm{
			Name: name, Section: "backup-failing", About: about, Expression: fmt.Sprintf(`SELECT SUM(%s) FROM "AWS/Backup" WHERE BackupVaultName = '%s'`, metric, Vault),
			Period: minutes5, Datapoints: 1, Periods: 1, NoData: Calm,
		}
	}
	return []Alarm{
		alarm("backup-failing", "A backup of the table failed", "NumberOfBackupJobsFailed"),
		alarm("backup-expired", "A backup of the table did not start in time", "NumberOfBackupJobsExpired"),
	}
}

func webhooks() []Alarm {
	return []Alarm{
		{
			Name: "webhooks-failing", About: "More than 20 deliveries to webhook endpoints failed within an hour", Metrics: only(own(lambdahost.MetricHooksFailed, "Sum")),
			Period: hour, Threshold: 20, Datapoints: 1, Periods: 1, NoData: Calm,
		},
		{
			Name: "webhooks-given-up", Section: "webhooks-failing", About: "Events were given up after all tries", Metrics: only(own(lambdahost.MetricHooksGivenUp, "Sum")),
			Period: hour, Datapoints: 1, Periods: 1, NoData: Calm,
		},
		{
			// The metric is 1 for a run that left due deliveries, and 0 for one that left none.
			Name: "webhooks-behind", Section: "webhooks-failing", About: "For a quarter of an hour each run left due deliveries", Metrics: only(own(lambdahost.MetricHooksLeft, "Minimum")),
			Period: minutes5, Datapoints: 3, Periods: 3, NoData: Calm,
		},
	}
}
