package cost

import "math"

// Month is the length of a month in seconds.
const Month = 30 * 24 * 60 * 60

// Use has the amount that a deployment uses under each price, in the unit of the price.
type Use map[Price]float64

// Plus returns the use of u and of n times the other.
func (u Use) Plus(n float64, other Use) Use {
	sum := Use{}
	for p, amount := range u {
		sum[p] = amount
	}
	for p, amount := range other {
		sum[p] += n * amount
	}
	return sum
}

// Dollars returns what the use costs at one price.
func (u Use) Dollars(p Price) float64 { return u[p] * p.Each() }

// Total returns what the use costs, without X-Ray, which is off unless the settings say otherwise.
func (u Use) Total() float64 {
	sum := 0.0
	for p := range u {
		if p != Trace {
			sum += u.Dollars(p)
		}
	}
	return sum
}

// GB returns bytes in the unit that AWS bills, 2^30 bytes.
func GB(bytes float64) float64 { return bytes / (1 << 30) }

// Lambda returns the use of one invocation of a function with a memory in MB, which takes a time in
// milliseconds. Lambda bills whole milliseconds.
func Lambda(memoryMB, milliseconds float64) Use {
	return Use{Invocation: 1, Duration: memoryMB / 1024 * math.Ceil(milliseconds) / 1000}
}

// Stored returns the use of stored bytes of the table for a month.
func Stored(bytes float64) Use { return Use{Storage: GB(bytes), Recovery: GB(bytes)} }

// Logged returns the use of log lines with this many bytes, kept for a month. CloudWatch adds 26
// bytes to each line
// (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html).
func Logged(lines, bytes float64) Use {
	const added = 26
	return Use{Log: GB(bytes + added*lines), LogStorage: GB(bytes + added*lines)}
}

// Traced returns the traces of n requests that are spread over a month: "the first request each
// second and 5 percent of any additional requests", as the console of X-Ray describes the sampling
// of Lambda.
func Traced(n float64) Use {
	first := min(n, Month)
	return Use{Trace: first + 0.05*(n-first)}
}
