package watch

import (
	"time"
)

// routeErrors is the metric of the access log for a route.
func routeErrors(route string) Metric {
	return Metric{"Countersign", MetricRouteErrors, "Sum", map[string]string{DimensionAPI: Gateway, DimensionRoute: route}}
}

func systemErrors(operation string) Metric {
	m := table("SystemErrors")
	m.Dimensions["Operation"] = operation
	return m
}

// backupJobs is a metric of AWS Backup.
func backupJobs(state, vault string) Metric {
	return Metric{"AWS/Backup", "NumberOfBackupJobs" + state, "Sum", map[string]string{"BackupVaultName": vault}}
}

func typed(m Metric) Metric {
	m.Dimensions["ResourceType"] = "DynamoDB"
	return m
}

// story is what happened, and whether an alarm notifies.
type story struct {
	alarm, what string
	notifies    bool
	series      []series
}

func stories() []story {
	one := onlyMetric
	failed, all := gateway("5xx", "Sum"), gateway("Count", "Sum")
	right, wrong := own("CodesVerified", "Sum"), own("CodesRefused", "Sum")
	five := func(m Metric, v ...float64) series { return series{m, minutes5, v} }
	hourly := func(m Metric, v ...float64) series { return series{m, hour, v} }
	list := []story{
		{"error-rate", "2 % for ten minutes", true, []series{five(all, repeat(1000, 6)...), five(failed, 0, 0, 20, 20, 0, 0)}},
		{"error-rate", "2 % for five minutes", false, []series{five(all, repeat(1000, 6)...), five(failed, 0, 0, 20, 0, 0, 0)}},
		{"error-rate", "0.5 %", false, []series{five(all, repeat(1000, 6)...), five(failed, repeat(5, 6)...)}},
		{"error-rate", "requests, and no series of failures", false, []series{five(all, repeat(1000, 6)...)}},
		{"error-rate", "at night, one request in ten minutes fails", true, []series{five(all, none, 1, 1, none), five(failed, none, 1, 1, none)}},

		{"route-failing", "one route, far below 1 % of all", true, []series{five(routeErrors("GET /v1/me"), 6, 7, 6)}},
		{"route-failing", "many routes, once each", false, []series{five(routeErrors("GET /v1/me"), 2, 2, 2), five(routeErrors("GET /v1/client"), 2, 2, 2), five(routeErrors("POST /v1/users"), 2, 2, 2)}},
		{"route-failing", "a deployment's moment", false, []series{five(routeErrors("GET /v1/me"), 30, none, none, none, none, none)}},
		{"route-failing", "another API of the account", false, []series{five(Metric{"Countersign", MetricRouteErrors, "Sum", map[string]string{DimensionAPI: "other", DimensionRoute: "x"}}, 9, 9, 9)}},

		{"latency", "four seconds for a quarter of an hour", true, []series{five(gateway("Latency", "p99"), 4000, 4000, 4000, 4000)}},
		{"latency", "a cold start at night", false, []series{five(gateway("Latency", "p99"), 200, none, 3500, none, none, 200)}},

		{"functions-throttled", "ten minutes", true, []series{five(one("functions-throttled"), none, 3, 2, none)}},
		{"functions-throttled", "one moment", false, []series{five(one("functions-throttled"), none, 3, none, none, none, none)}},
		{"functions-throttled", "another stack of the account", false, []series{five(Metric{"AWS/Lambda", "Throttles", "Sum", map[string]string{"FunctionName": "other"}}, 3, 3, 3)}},

		{"table-errors", "of two operations", true, []series{five(systemErrors("GetItem"), 4, 4, 4), five(systemErrors("TransactWriteItems"), 4, 4, 4)}},
		{"table-errors", "few", false, []series{five(systemErrors("GetItem"), 1, 1, 1)}},
		{"table-conflicts", "two a second", true, []series{five(one("table-conflicts"), none, 600, 600, none)}},
		{"table-conflicts", "now and then", false, []series{five(one("table-conflicts"), 20, none, 40, none, 10)}},

		{"sms-spend", "41 of 50 dollars", true, []series{five(one("sms-spend"), none, 30, none, 41)}},
		{"sms-spend", "30 of 50 dollars", false, []series{five(one("sms-spend"), 30, 30, none)}},
		{"sms-failing", "six in each of two periods", true, []series{five(one("sms-failing"), 6, 6)}},
		{"sms-failing", "a few", false, []series{five(one("sms-failing"), 2, 2, 2)}},
		{"sms-dropped", "one", true, []series{five(one("sms-dropped"), none, 1)}},
		{"sms-dropped", "none", false, []series{five(one("sms-dropped"), none, 0)}},
		{"sms-success-rate", "half for two hours", true, []series{hourly(one("sms-success-rate"), 0.5, 0.5)}},
		{"sms-success-rate", "nine of ten", false, []series{hourly(one("sms-success-rate"), 0.9, none, 0.9)}},
		{"sms-breaker", "one refusal", true, []series{five(one("sms-breaker"), none, 1)}},
		{"sms-day-50", "half", true, []series{five(one("sms-day-50"), none, 50)}},
		{"sms-day-80", "half", false, []series{five(one("sms-day-80"), none, 50)}},
		{"sms-day-80", "four fifths", true, []series{five(one("sms-day-80"), none, 80)}},
		{"sms-day-100", "four fifths", false, []series{five(one("sms-day-100"), none, 80)}},
		{"sms-day-100", "all", true, []series{five(one("sms-day-100"), none, 100)}},

		{"users-locked", "21 in an hour", true, []series{hourly(one("users-locked"), 21)}},
		{"users-locked", "20 in an hour", false, []series{hourly(one("users-locked"), 20, none, 20)}},
		{"codes-refused", "only wrong codes, at night", true, []series{{wrong, 15 * time.Minute, []float64{30, 30}}, {right, 15 * time.Minute, []float64{0, 0}}}},
		{"codes-refused", "few codes", false, []series{{wrong, 15 * time.Minute, []float64{10, 10}}, {right, 15 * time.Minute, []float64{0, 0}}}},
		{"codes-refused", "only right codes", false, []series{{wrong, 15 * time.Minute, []float64{0, 0}}, {right, 15 * time.Minute, []float64{30, 30}}}},
		{"guessing", "only wrong codes", true, []series{five(wrong, 101), five(right, 0)}},
		{"guessing", "a busy day's mistakes", false, []series{five(wrong, 200, 200), five(right, 2000, 2000)}},

		{"cleanup-failing", "two hours", true, []series{hourly(one("cleanup-failing"), 12, 12)}},
		{"cleanup-failing", "once", false, []series{hourly(one("cleanup-failing"), 1, 0, 0)}},
		{"cleanup-behind", "more than a day, for two hours", true, []series{hourly(one("cleanup-behind"), 90_000, 93_600)}},
		{"cleanup-behind", "an hour", false, []series{hourly(one("cleanup-behind"), 3600, 3600)}},
		{"cleanup-late", "more than a day", false, []series{hourly(one("cleanup-late"), 90_000, 93_600)}},
		{"cleanup-late", "21 days", true, []series{hourly(one("cleanup-late"), 21*86_400, 21*86_400)}},
		{"rotation-failing", "once", true, []series{hourly(one("rotation-failing"), 1)}},
		{"key-age", "401 days", true, []series{{one("key-age"), day, []float64{400, 401, 402}}}},
		{"key-age", "a year, reported every day", false, []series{{one("key-age"), day, []float64{363, 364, 365, 0, 1}}}},
		{"key-age", "the first day", false, []series{{one("key-age"), day, []float64{0}}}},
		{"key-age", "no longer reported", true, []series{{one("key-age"), day, join([]float64{1, 2}, repeat(none, 8))}}},
		{"cleanup-age", "it stops", true, []series{{one("cleanup-age"), 30 * time.Minute, join(repeat(6, 4), repeat(none, 10))}}},
		{"cleanup-age", "it runs", false, []series{{one("cleanup-age"), 30 * time.Minute, repeat(6, 10)}}},
		{"deliver-age", "it stops", true, []series{five(one("deliver-age"), join(repeat(5, 4), repeat(none, 10))...)}},
		{"deliver-age", "it runs", false, []series{five(one("deliver-age"), repeat(5, 10)...)}},
		{"deliver-failing", "half an hour", true, []series{{one("deliver-failing"), 15 * time.Minute, []float64{15, 15}}}},
		{"statistics-late", "two hours", true, []series{five(one("statistics-late"), none, 7_200_000)}},
		{"statistics-late", "a minute", false, []series{five(one("statistics-late"), 60_000)}},
		{"dead-letters", "one", true, []series{five(one("dead-letters"), 0, 1)}},
		{"dead-letters", "an empty queue", false, []series{five(one("dead-letters"), 0, 0)}},
		{"webhooks-failing", "21 in an hour", true, []series{hourly(one("webhooks-failing"), 21)}},
		{"webhooks-failing", "an endpoint restarts", false, []series{hourly(one("webhooks-failing"), 4, none, none)}},
		{"webhooks-given-up", "one", true, []series{hourly(one("webhooks-given-up"), 0, 1)}},
		{"webhooks-given-up", "none", false, []series{hourly(one("webhooks-given-up"), 0, 0)}},
		{"webhooks-behind", "each run of a quarter of an hour left some", true, []series{five(one("webhooks-behind"), 1, 1, 1)}},
		{"webhooks-behind", "a burst", false, []series{five(one("webhooks-behind"), 0, 1, 0, none, 0)}},
		{"backup-failing", "one, by vault alone", true, []series{five(backupJobs("Failed", Vault), none, 1)}},
		{"backup-failing", "one, by vault and type", true, []series{five(typed(backupJobs("Failed", Vault)), none, 1)}},
		{"backup-failing", "none", false, []series{five(backupJobs("Failed", Vault), 0, none), five(backupJobs("Completed", Vault), 1)}},
		{"backup-failing", "one of another vault", false, []series{five(backupJobs("Failed", "Default"), 1)}},
		{"backup-expired", "one", true, []series{five(backupJobs("Expired", Vault), none, 1)}},
		{"backup-expired", "one failed", false, []series{five(backupJobs("Failed", Vault), 1)}},
		{"alarms-undelivered", "one", true, []series{five(one("alarms-undelivered"), 1)}},
	}
	for _, part := range []string{"table", "expiry-index", "list-index"} {
		for _, word := range []string{"reads", "writes"} {
			name := part + "-" + word + "-throttled"
			list = append(list, story{name, "for ten minutes, and nothing else has data", true, []series{five(one(name), none, 2, 1, none)}})
		}
	}
	for _, j := range []string{"cleanup", "events-deliver", "keys-rotate"} {
		list = append(list, story{j + "-dropped", "one", true, []series{five(one(j+"-dropped"), 1)}})
	}
	return append(list,
		story{"table-writes-throttled", "only reads", false, []series{five(one("table-reads-throttled"), 5, 5, 5)}},
		story{"table-reads-throttled", "only an index", false, []series{five(one("expiry-index-reads-throttled"), 5, 5, 5)}})
}

// onlyMetric returns the metric of an alarm on one.
func onlyMetric(name string) Metric {
	for _, a := range Alarms(budget) {
		if a.Name == name {
			return a.Metrics["m"]
		}
	}
	return Metric{}
}
