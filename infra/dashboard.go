package main

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/countersign-mfa/countersign/infra/watch"
)

const (
	dashboardWidth = 24 // in units of CloudWatch's grid
	alarmsHeight   = 6
)

// dashboard makes the dashboard: for each row a text, and the alarms or the row's graphs.
func (w *watcher) dashboard(alarms []interfacesawscloudwatch.IAlarmRef) {
	board := awscloudwatch.NewDashboard(w.cdk, jsii.String("Dashboard"), &awscloudwatch.DashboardProps{DashboardName: &w.settings.Name})
	for _, row := range watch.Dashboard(memoryMB) {
		board.AddWidgets(awscloudwatch.NewTextWidget(&awscloudwatch.TextWidgetProps{
			Markdown: jsii.String("## " + row.Title + "\n" + row.Text), Width: jsii.Number(dashboardWidth), Height: jsii.Number(2),
		}))
		if row.Status {
			board.AddWidgets(awscloudwatch.NewAlarmStatusWidget(&awscloudwatch.AlarmStatusWidgetProps{
				Alarms: &alarms, Title: &row.Title, Width: jsii.Number(dashboardWidth), Height: jsii.Number(alarmsHeight),
				SortBy: awscloudwatch.AlarmStatusWidgetSortBy_STATE_UPDATED_TIMESTAMP,
			}))
			continue
		}
		var graphs []awscloudwatch.IWidget
		for _, g := range row.Graphs {
			lines := w.lines(g)
			graphs = append(graphs, awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{Title: &g.Title, Left: &lines, Width: jsii.Number(dashboardWidth / len(row.Graphs))}))
		}
		board.AddWidgets(graphs...)
	}
}

// lines returns the lines of a graph: its metrics, or its expression over them.
func (w *watcher) lines(g watch.Graph) []awscloudwatch.IMetric {
	var lines []awscloudwatch.IMetric
	using := map[string]awscloudwatch.IMetric{}
	for i, m := range g.Metrics {
		line := w.metric(m, time.Hour)
		lines, using[string(rune('a'+i))] = append(lines, line), line
	}
	if g.Expression != "" {
		return []awscloudwatch.IMetric{w.expression(g.Expression, time.Hour, using)}
	}
	return lines
}
