package outcome

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// table is the facts of all runs: a row each, with the difference to each of the others
// behind its column.
func (o Outcome) table() (head []string, rows [][]string) {
	head = []string{"", o.Name}
	for _, other := range o.Against {
		head = append(head, other.Name, "difference")
	}
	facts := o.Facts()
	for i, fact := range facts {
		row := []string{fact.Name, fact.Text}
		for _, other := range o.Against {
			for _, f := range other.Facts() {
				if f.Name == facts[i].Name {
					row = append(row, f.Text, fact.Change(f))
				}
			}
		}
		rows = append(rows, row)
	}
	return head, rows
}

// explained are the sentences about differences between the runs.
func (o Outcome) explained() []string {
	var all []string
	for _, other := range o.Against {
		differences := Differences(o.Run, other)
		for _, d := range differences {
			all = append(all, d.sentence(o.Name, other.Name))
		}
		if len(differences) == 0 {
			all = append(all, fmt.Sprintf("%s and %s asked for the same number of tasks at all times", o.Name, other.Name))
		}
	}
	return all
}

// WriteText writes the outcome for a terminal: a report, or columns side by side.
func (o Outcome) WriteText(w io.Writer) error {
	if len(o.Against) == 0 {
		if err := o.Report.WriteText(w); err != nil {
			return err
		}
		return o.writeExplained(w)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s\n\n", o.Resource, o.When())
	head, rows := o.table()
	t := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	for _, row := range append([][]string{head}, rows...) {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	_ = t.Flush() // a builder takes all
	b.WriteString("\n")
	for _, sentence := range o.explained() {
		b.WriteString(sentence + "\n")
	}
	for _, note := range o.notes() {
		fmt.Fprintf(&b, "\nnote: %s\n", note)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	return o.writeExplained(w)
}

// writeExplained writes how the target stood in each run, at the time that was asked about.
func (o Outcome) writeExplained(w io.Writer) error {
	for _, run := range o.runs() {
		if run.Explained == nil {
			continue
		}
		name := ""
		if len(o.Against) > 0 {
			name = run.Name + ": "
		}
		if _, err := fmt.Fprintf(w, "\n%s%s", name, run.Explained); err != nil {
			return err
		}
	}
	return nil
}

// notes are those of all runs, with the names of the runs where there are several.
func (o Outcome) notes() []string {
	if len(o.Against) == 0 {
		return o.Notes
	}
	var all []string
	for _, run := range o.runs() {
		for _, note := range run.Notes {
			all = append(all, run.Name+": "+note)
		}
	}
	return all
}

// WriteMarkdown writes a short summary, for a comment on a pull request.
func (o Outcome) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "**Simulated: %s**, %s\n\n", markdown(o.Resource), o.When())
	head, rows := o.table()
	if len(o.Against) == 0 {
		head = append(head[:1], "", "")
		for i, fact := range o.Facts() {
			rows[i] = append(rows[i], fact.Note)
		}
	}
	line := func(cells []string) {
		for i := range cells {
			cells[i] = markdown(cells[i])
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	line(head)
	b.WriteString("| --- |" + strings.Repeat(" ---: |", len(head)-1) + "\n")
	for _, row := range rows {
		line(row)
	}
	if sentences := o.explained(); len(sentences) > 0 {
		fmt.Fprintf(&b, "\nThe largest differences:\n\n")
		for _, sentence := range sentences {
			fmt.Fprintf(&b, "- %s\n", markdown(sentence))
		}
	}
	for _, note := range o.notes() {
		fmt.Fprintf(&b, "\nNote: %s\n", markdown(note))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// markdown has the characters of a text stand for themselves.
func markdown(text string) string { return escapes.Replace(text) }

var escapes = strings.NewReplacer("\\", "\\\\", "|", "\\|", "*", "\\*", "_", "\\_", "`", "\\`", "<", "&lt;", "[", "\\[", "@", "@\u200b", "\n", " ")
