package docpage

import (
	"slices"
	"strings"
	"testing"
)

const page = "# Title\n\n" +
	"```sh server\nflyball serve --speed 60\n```\n\n" +
	"text\n\n```sh\naws ecs list-clusters\nfor i in 1 2; do\n  echo $i\ndone\n```\n" +
	"```text\n{\"clusterArns\": []}\n```\n\n" +
	"```sh not-run=\"needs Docker\"\ndocker build .\n```\n"

func TestBlocksAreFoundInOrder(t *testing.T) {
	got, stray, err := Parse(page)
	want := []Block{
		{Line: 4, Text: "flyball serve --speed 60\n", Server: true},
		{Line: 10, Text: "aws ecs list-clusters\nfor i in 1 2; do\n  echo $i\ndone\n"},
		{Line: 20, Text: "docker build .\n", NotRun: "needs Docker"},
	}
	if err != nil || len(stray) != 0 || !slices.Equal(got, want) {
		t.Errorf("%+v, stray %v, %v", got, stray, err)
	}
}

func TestACommandOutsideOfItsFenceIsFound(t *testing.T) {
	for line, want := range map[string]bool{
		"    flyball serve":                 true,
		"    $ ./bin/flyball explain x":     true,
		"```text\naws ecs list-clusters":    true,
		"    eval \"$(flyball env)\"":       true,
		"flyball is what runs in the text":  false,
		"    Status   web":                  false,
		"```json\n{\"aws\": 1}":             false,
		"    flyball":                       false,
		"    export AWS_REGION=us-east-1 x": true,
	} {
		text := line + "\n"
		if strings.HasPrefix(line, "```") {
			text += "```\n"
		}
		if _, stray, err := Parse(text); err != nil || (len(stray) > 0) != want {
			t.Errorf("%q: stray %v, %v; want some: %t", line, stray, err, want)
		}
	}
}

func TestAFenceThatSaysSomethingElseIsRefused(t *testing.T) {
	for _, info := range []string{"shell", "sh run", "sh not-run", `sh not-run=""`, "sh server now"} {
		if _, _, err := Parse("```" + info + "\nx\n```\n"); err == nil {
			t.Errorf("%q is taken", info)
		}
	}
	if _, _, err := Parse("```sh\nx\n"); err == nil {
		t.Error("a fence that is not closed is taken")
	}
}

func TestTheScriptLeavesOutWhatIsNotRun(t *testing.T) {
	blocks, _, err := Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	got := Script(blocks, func(b Block) string { return "block" })
	if !strings.Contains(got, "the_server() {\nflyball serve --speed 60\n}\nserve\n") || strings.Contains(got, "docker") {
		t.Error(got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(page)
	f.Fuzz(func(t *testing.T, text string) {
		blocks, stray, err := Parse(text)
		if err == nil && strings.Count(text, "\n")+1 < len(blocks)+len(stray) {
			t.Errorf("%d blocks and %d lines in %q", len(blocks), len(stray), text)
		}
	})
}
