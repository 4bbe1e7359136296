package standalone

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flyball/internal/control"
)

func TestALineWithoutAnEndIsCutOff(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.jsonl")
	for torn, kept := range map[string]int{"": 0, `{"event":"taken"}` + "\n": 1, `{"event":"taken"}` + "\n" + `{"at":"2026-`: 1, `{"at":"2026-`: 0} {
		if err := os.WriteFile(name, []byte(torn), 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := openAudit(name, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		a.write(control.Record{Event: control.Elected})
		a.close()
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")
		if len(lines) != kept+1 || !strings.Contains(lines[kept], `"event":"elected"`) || strings.Contains(string(text), "2026-{") {
			t.Errorf("after %q the log has %q", torn, text)
		}
	}
}

func TestTheReportLeavesOutWhatIsNoRecord(t *testing.T) {
	compared := `{"at":"2026-03-02T1%d:00:00Z","event":"compared","target":"service/shop/web","seen":{"Desired":2},"shadow":4}` + "\n"
	log := fmt.Sprintf(compared, 0) + `{"at":"2026-{"at":"2026-03-02T10:30:00Z"}` + "\n" + fmt.Sprintf(compared, 2)
	report, err := control.Compare(strings.NewReader(log), time.Time{}, time.Time{})
	if err != nil || report.Unread != 1 || len(report.Targets) != 1 || report.Targets[0].Hours != 2 {
		t.Errorf("%+v, %v", report, err)
	}
	if _, err := control.Compare(strings.NewReader("an access log\nof something else\n"), time.Time{}, time.Time{}); err == nil {
		t.Error("a file of something else is reported of")
	}
}
