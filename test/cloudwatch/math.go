package cloudwatch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
)

// environment holds the series that an expression of metric math can name:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
type environment struct {
	named   map[string]series
	n       int // data points of the evaluation range
	reading Reading
}

// value is a number, or a series of one point for each period.
type value struct {
	number float64
	series series // nil: a number
}

// parse reads an expression. The operators and calls that alarms use have Go's syntax.
func parse(expression string) (ast.Expr, error) {
	e, err := parser.ParseExpr(expression)
	if err != nil {
		return nil, fmt.Errorf("metric math %q: %w", expression, err)
	}
	return e, nil
}

// eval returns the series of an expression: "The final result of any math expression must be a
// single time series" in an alarm.
func (env environment) eval(expression string) (series, error) {
	e, err := parse(expression)
	if err != nil {
		return nil, err
	}
	v, err := env.value(e)
	if err == nil && v.series == nil {
		err = fmt.Errorf("%q is a number, not a series", expression)
	}
	return v.series, err
}

func (env environment) value(e ast.Expr) (value, error) {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return env.value(e.X)
	case *ast.BasicLit:
		n, err := strconv.ParseFloat(e.Value, 64)
		return value{number: n}, err
	case *ast.Ident:
		s, ok := env.named[e.Name]
		if !ok {
			return value{}, fmt.Errorf("there is no metric %s", e.Name)
		}
		return value{series: s}, nil
	case *ast.BinaryExpr:
		x, err := env.value(e.X)
		if err != nil {
			return value{}, err
		}
		y, err := env.value(e.Y)
		if err != nil {
			return value{}, err
		}
		return env.binary(e.Op, x, y)
	case *ast.CallExpr:
		return env.call(e)
	}
	return value{}, fmt.Errorf("metric math knows no %T", e)
}

// each returns the values of both operands at every data point of the range, or of two numbers.
func (env environment) each(x, y value, of func(a, b point) point) value {
	if x.series == nil && y.series == nil {
		return value{number: of(point{x.number, true}, point{y.number, true}).v}
	}
	out := make(series, env.n)
	for i := range out {
		out[i] = of(x.at(i), y.at(i))
	}
	return value{series: out}
}

func (v value) at(i int) point {
	if v.series == nil {
		return point{v.number, true}
	}
	return v.series[i]
}

func (env environment) binary(op token.Token, x, y value) (value, error) {
	of := map[token.Token]func(a, b float64) float64{
		token.ADD: func(a, b float64) float64 { return a + b }, token.SUB: func(a, b float64) float64 { return a - b },
		token.MUL: func(a, b float64) float64 { return a * b }, token.QUO: func(a, b float64) float64 { return a / b },
		token.GTR: func(a, b float64) float64 { return truth(a > b) }, token.LSS: func(a, b float64) float64 { return truth(a < b) },
		token.GEQ: func(a, b float64) float64 { return truth(a >= b) }, token.LEQ: func(a, b float64) float64 { return truth(a <= b) },
		token.LAND: func(a, b float64) float64 { return truth(a != 0 && b != 0) }, token.LOR: func(a, b float64) float64 { return truth(a != 0 || b != 0) },
	}[op]
	if of == nil {
		return value{}, fmt.Errorf("metric math knows no operator %s", op)
	}
	arithmetic := op == token.ADD || op == token.SUB || op == token.MUL || op == token.QUO
	return env.each(x, y, func(a, b point) point {
		// Where both operands are series and one has a value, a comparison "treats the missing value in
		// the other time series as 0". Arithmetic does in one reading.
		if x.series != nil && y.series != nil && (!arithmetic || env.reading.ZeroForMissing) {
			a, b = zeroForMissing(a, b)
		}
		// "If the value of a data point causes a function to attempt to divide by zero, the data point
		// is dropped."
		if !a.ok || !b.ok || op == token.QUO && b.v == 0 {
			return point{}
		}
		return point{of(a.v, b.v), true}
	}), nil
}

// zeroForMissing returns two points of one time, with 0 for the missing one if the other is there.
func zeroForMissing(a, b point) (x, y point) {
	switch {
	case a.ok && !b.ok:
		return a, point{0, true}
	case b.ok && !a.ok:
		return point{0, true}, b
	}
	return a, b
}

// truth returns 1 for true and 0 for false, as metric math does.
func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// call evaluates FILL and IF. Functions of arrays and those that return a number are refused: AWS
// writes of each "We recommend that you do not use this function in CloudWatch alarms", because the
// number of retrieved data points changes. SEARCH is not allowed in an alarm.
func (env environment) call(e *ast.CallExpr) (value, error) {
	name, _ := e.Fun.(*ast.Ident)
	if name == nil || name.Name != "FILL" && name.Name != "IF" {
		return value{}, fmt.Errorf("no function for an alarm: %v", e.Fun)
	}
	var args []value
	for _, a := range e.Args {
		v, err := env.value(a)
		if err != nil {
			return value{}, err
		}
		args = append(args, v)
	}
	switch {
	case name.Name == "FILL" && len(args) == 2 && args[0].series != nil && args[1].series == nil:
		return env.fill(args[0].series, args[1].number), nil
	case name.Name == "IF" && len(args) == 3 && args[0].series != nil:
		return env.choose(args[0].series, args[1], args[2]), nil
	}
	return value{}, fmt.Errorf("arguments of %s", name.Name)
}

// fill implements FILL: it "fills the missing values of a time series".
func (env environment) fill(s series, with float64) value {
	if s.empty() && !env.reading.FillsEmpty {
		return value{series: s}
	}
	out := make(series, len(s))
	for i, p := range s {
		if !p.ok {
			p = point{with, true}
		}
		out[i] = p
	}
	return value{series: out}
}

// choose implements IF: a data point is dropped where the condition has none, and where the chosen
// one of a false condition is missing. The chosen one of a true condition is 0 if missing.
func (env environment) choose(condition series, then, otherwise value) value {
	out := make(series, env.n)
	for i, c := range condition {
		switch {
		case !c.ok:
		case c.v != 0:
			out[i] = point{then.at(i).v, true}
		default:
			out[i] = otherwise.at(i)
		}
	}
	return value{series: out}
}
