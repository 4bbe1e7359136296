package replay

import (
	"bufio"
	"fmt"
	"io"
)

// WriteText prints the report as a small table.
func (r Report) WriteText(w io.Writer) error {
	text := bufio.NewWriter(w)
	if r.Services > 0 {
		fmt.Fprintf(text, "%d services, ", r.Services)
	}
	fmt.Fprintf(text, "%d hours, which needed %.2f tasks on average\n\n", r.Hours, r.Need)
	fmt.Fprintf(text, "%-32s %13s %15s %9s %8s %8s\n", "", "hours enough", "minutes enough", "too many", "too few", "tasks")
	for _, o := range r.Outcomes {
		fmt.Fprintf(text, "%-32s %11.1f %% %13.1f %% %9.2f %8.2f %8.2f\n",
			o.Policy, 100*o.HoursEnough, 100*o.MinutesEnough, o.TooMany, o.TooFew, o.Tasks)
	}
	return text.Flush()
}
