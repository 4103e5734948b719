package cost

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Template is what the CloudFormation template says about costs.
type Template struct {
	// Fixed is the use of a month that does not depend on load: keys, secrets and alarms.
	Fixed Use
	// Runs has the runs of a month by the logical name of the function that a schedule starts.
	Runs map[string]float64
	// BatchSeconds is how long a batch of the table's stream fills.
	BatchSeconds float64
	// MemoryMB is the memory of every function.
	MemoryMB float64
	// AccessLog is the format of a line of the gateway's log.
	AccessLog string
}

// resource has the properties that cost something.
type resource struct {
	Type       string
	Properties struct {
		Metrics []struct {
			MetricStat json.RawMessage
		}
		ScheduleExpression string
		Target             struct {
			Arn struct {
				GetAtt []string `json:"Fn::GetAtt"`
			}
		}
		MaximumBatchingWindowInSeconds float64
		MemorySize                     float64
		AccessLogSettings              struct{ Format string }
	}
}

// ReadTemplate reads templates of CloudFormation, of one deployment. Resources whose prices package
// cost does not know count as nothing.
func ReadTemplate(texts ...[]byte) (Template, error) {
	t := Template{Fixed: Use{}, Runs: map[string]float64{}}
	for _, text := range texts {
		var template struct{ Resources map[string]json.RawMessage }
		if err := json.Unmarshal(text, &template); err != nil {
			return t, fmt.Errorf("template: %w", err)
		}
		for name, raw := range template.Resources {
			if err := t.add(raw); err != nil {
				return t, fmt.Errorf("template: %s: %w", name, err)
			}
		}
	}
	return t, nil
}

func (t *Template) add(raw json.RawMessage) error {
	var kind struct{ Type string }
	if err := json.Unmarshal(raw, &kind); err != nil {
		return err
	}
	switch kind.Type {
	case "AWS::KMS::Key":
		t.Fixed[Key]++
		return nil
	case "AWS::SecretsManager::Secret":
		t.Fixed[Secret]++
		return nil
	case "AWS::CloudWatch::Alarm", "AWS::Scheduler::Schedule", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Function", "AWS::ApiGatewayV2::Stage":
	default:
		return nil
	}
	var r resource
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	p := r.Properties
	switch kind.Type {
	case "AWS::CloudWatch::Alarm":
		t.Fixed[AlarmMetric] += alarmMetrics(r)
	case "AWS::Scheduler::Schedule":
		n, err := runs(p.ScheduleExpression)
		if err != nil {
			return err
		}
		if len(p.Target.Arn.GetAtt) == 0 {
			return errors.New("the schedule starts no function of the template")
		}
		t.Runs[p.Target.Arn.GetAtt[0]] += n
	case "AWS::Lambda::EventSourceMapping":
		t.BatchSeconds = p.MaximumBatchingWindowInSeconds
	case "AWS::Lambda::Function":
		t.MemoryMB = max(t.MemoryMB, p.MemorySize)
	case "AWS::ApiGatewayV2::Stage":
		t.AccessLog = p.AccessLogSettings.Format
	}
	return nil
}

// alarmMetrics returns how many metrics an alarm has: one, or those of its expression.
func alarmMetrics(r resource) float64 {
	n := 0.0
	for _, m := range r.Properties.Metrics {
		if m.MetricStat != nil {
			n++
		}
	}
	return max(n, 1)
}

// runs returns the runs of a month of a rate such as "rate(5 minutes)".
func runs(rate string) (float64, error) {
	inner, ok := strings.CutPrefix(strings.TrimSuffix(rate, ")"), "rate(")
	count, unit, ok2 := strings.Cut(inner, " ")
	n, err := strconv.ParseFloat(count, 64)
	seconds := map[string]float64{"minute": 60, "hour": 60 * 60, "day": 24 * 60 * 60}[strings.TrimSuffix(unit, "s")]
	if !ok || !ok2 || err != nil || n <= 0 || seconds == 0 {
		return 0, fmt.Errorf("%q is no rate", rate)
	}
	return Month / (n * seconds), nil
}
