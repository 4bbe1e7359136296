package rules

import (
	"testing"
	"time"

	"flyball/forecast"
	"flyball/governor"
)

func TestForesightOfTags(t *testing.T) {
	for _, tags := range []map[string]string{nil, {TagForecastStep: "3600"}} {
		f := ForesightOf(tags)
		if f.Hours != governor.HistoryHours || f.Step != 0 || f.Calendar.Zone != nil || f.Calendar.Holidays != nil {
			t.Errorf("%v: got %+v, want what AWS does, from ten weeks", tags, f)
		}
	}
	tags := map[string]string{TagHistoryDays: "14", TagForecastStep: "300", TagTimeZone: "Europe/Berlin", TagHolidays: "12-25 2027-03-26"}
	if err := CheckTags(tags); err != nil {
		t.Fatal(err)
	}
	f := ForesightOf(tags)
	if f.Hours != 14*24 || f.Step != 5*time.Minute || f.Calendar.Zone.String() != "Europe/Berlin" {
		t.Errorf("got %+v", f)
	}
	want := []forecast.Holiday{{Month: time.December, Day: 25}, {Year: 2027, Month: time.March, Day: 26}}
	if len(f.Calendar.Holidays) != 2 || f.Calendar.Holidays[0] != want[0] || f.Calendar.Holidays[1] != want[1] {
		t.Errorf("holidays %v, want %v", f.Calendar.Holidays, want)
	}
	if SameForesight(tags, nil) || !SameForesight(tags, tags) {
		t.Error("forecasts are the same with other tags, or others with the same")
	}
}
