package console

import "net/http"

// A table is a page that lists resources of a kind.
type table struct {
	Title   string
	Columns []column
	Rows    [][]cell
	Empty   string // what to say, and to do, where there is none
	More    bool   // there are more than are shown
	Below   string // what is to be known of all of it; empty: nothing
	Code    string // where all of it stands as commands and in Terraform; empty: nowhere
}

// A column has a name, and numbers or texts.
type column struct {
	Name   string
	Number bool
}

// A cell is one text of a row; the first names what the row is about.
type cell struct {
	Text string
	Link string // of a page; empty: none
	Note string // below it
}

// table shows a table.
func (c *console) table(v *visit, section string, t table) error {
	if _, written := c.writers()[section]; written && len(t.Rows) > 0 {
		t.Code = linksOf(v).To("code", section)
	}
	t.More = len(t.Rows) > 4*rowsOfPage
	t.Rows = t.Rows[:min(len(t.Rows), 4*rowsOfPage)]
	c.show(v, http.StatusOK, "table.html", page{Title: t.Title, Section: section, Live: true, Body: t})
	return nil
}
