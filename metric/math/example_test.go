package math_test

import (
	"fmt"
	"time"

	"flyball/metric/math"
)

// Messages in a queue over running tasks: 1,500 and 10 are 150 for each. With no
// task the division has no value.
func Example() {
	program, err := math.Compile([]math.Query{
		{ID: "messages"}, {ID: "tasks"},
		{ID: "backlog", Expression: "messages / tasks"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	data := map[string][]float64{"messages": {900, 1500, 1500}, "tasks": {10, 10, 0}}
	run := program.Run(math.Env{
		Grid: math.Grid{Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Step: time.Minute, Len: 3},
		Metric: func(id string) (math.Series, error) {
			return math.Series{Period: time.Minute, Values: data[id]}, nil
		},
	})
	backlog, err := run.Result("backlog")
	fmt.Println(backlog[0].Values, err)
	_, err = math.Parse("messages / (tasks")
	fmt.Println(err)
	// Output:
	// [90 150 NaN] <nil>
	// Syntax error: expected ')' instead of the end of the expression (at character 18)
}
