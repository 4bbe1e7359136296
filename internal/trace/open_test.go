package trace_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flyball/internal/trace"
)

// What is packed and broken, or no text of rows, is refused in words that say what to do.
func TestOpenReadsOrRefusesWhatPeopleHave(t *testing.T) {
	rows := "time,requests\n"
	for i := range 200 {
		rows += fmt.Sprintf("%s,%d\n", time.Unix(1_772_409_600+60*int64(i), 0).UTC().Format(time.RFC3339), 100+i)
	}
	zipped := func(names ...string) string {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, name := range names {
			w, err := z.Create(name)
			if err == nil {
				_, err = w.Write([]byte(rows))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(rows)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, refused string }{
		"lines of carriage returns":  {strings.ReplaceAll(rows, "\n", "\r"), ""},
		"a zip of one":               {zipped("a/requests.csv"), ""},
		"a zip of two":               {zipped("a.csv", "b.csv"), "the archive holds 2 files"},
		"a spreadsheet":              {zipped("[Content_Types].xml", "xl/workbook.xml"), "save it as CSV"},
		"a zip that is cut":          {zipped("a.csv")[:300], "copy it again"},
		"gzip":                       {packed.String(), ""},
		"gzip that is cut":           {packed.String()[:packed.Len()/2], "ends before its end; copy it again"},
		"gzip that is broken":        {packed.String()[:200] + "xxxx" + packed.String()[204:], "copy it again"},
		"a quote that is not closed": {strings.Replace(rows, ",103", `,"103`, 1), "line 5: a quote that does not match"},
		"a quote in the middle":      {strings.Replace(rows, ",103", `,1"03`, 1), "line 5, column 23: a quote that does not match"},
		"a quote over several lines": {strings.Replace(rows, ",103\n", ",\"103\n\"\n", 1), ""},
	} {
		path := filepath.Join(t.TempDir(), "requests")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := trace.Open(path, nil)
		var got trace.Trace
		if err == nil {
			got, err = trace.Read(in, trace.Options{})
			in.Close()
		}
		switch {
		case c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)):
			t.Errorf("%s: %v, want %s", name, err, c.refused)
		case c.refused == "" && (err != nil || len(got.Values) != 200 || got.Values[199] != 299):
			t.Errorf("%s: %v, %d values", name, err, len(got.Values))
		}
	}
}
