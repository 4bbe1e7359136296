package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"flyball/internal/duration"
)

// sayWhatToType has a command, and those below it, say of wrong arguments and flags what to
// type in place of them.
func sayWhatToType(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(flagError) // and of all below it
	cmd.SuggestionsMinimumDistance = 2
	for _, c := range cmd.Commands() {
		sayWhatToType(c)
	}
	if !cmd.Runnable() {
		if cmd.HasParent() {
			cmd.Args, cmd.RunE = wantsCommand, func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
		return
	}
	cmd.LocalFlags().VisitAll(shortenDefault)
	accept := cmd.Args
	if accept == nil {
		accept = cobra.ArbitraryArgs
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := checkValues(cmd.Flags()); err != nil {
			return err
		}
		return argumentError(cmd, accept, args)
	}
}

// shortenDefault has help write the default of a flag as people do: 5m in place of 5m0s.
func shortenDefault(f *pflag.Flag) {
	if d, err := time.ParseDuration(f.DefValue); err == nil && f.Value.Type() == "duration" {
		f.DefValue = duration.String(d)
	}
}

// wantsCommand refuses a command that only has others below it.
func wantsCommand(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return noSuchCommand(cmd, args[0])
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return fmt.Errorf("%s wants a command: %s", cmd.CommandPath(), strings.Join(names, ", "))
}

// ofCobra are the beginnings of cobra's own words about arguments.
var ofCobra = regexp.MustCompile(`^(accepts |requires at least |unknown command )`)

// notOneOf is what cobra says of a word that is none of some.
var notOneOf = regexp.MustCompile(`^invalid argument "`)

// argumentError is the error of what accepts arguments, in words that say what to type.
func argumentError(cmd *cobra.Command, accept cobra.PositionalArgs, args []string) error {
	err := accept(cmd, args)
	if err != nil && len(cmd.ValidArgs) > 0 && notOneOf.MatchString(err.Error()) {
		return fmt.Errorf("%s takes %s, and not %q", cmd.CommandPath(), strings.Join(cmd.ValidArgs, " or "), args[0])
	}
	if err == nil || !ofCobra.MatchString(err.Error()) {
		return err
	}
	_, wanted, _ := strings.Cut(cmd.Use, " ")
	for n := len(args) - 1; n >= 0; n-- {
		if accept(cmd, args[:n]) != nil {
			continue
		}
		if n == 0 && cmd.HasSubCommands() {
			return noSuchCommand(cmd, args[0])
		}
		if wanted == "" {
			return fmt.Errorf("%s takes no arguments: leave out %q", cmd.CommandPath(), args[n])
		}
		return fmt.Errorf("%s takes %s: leave out %q", cmd.CommandPath(), wanted, args[n])
	}
	return fmt.Errorf("%s wants %s", cmd.CommandPath(), wanted)
}

func noSuchCommand(cmd *cobra.Command, name string) error {
	text := fmt.Sprintf("%s has no command %q", cmd.CommandPath(), name)
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		return fmt.Errorf("%s; did you mean %s?", text, strings.Join(near, " or "))
	}
	return errors.New(text)
}

// flagError says what to type in place of a flag that is none, or has a wrong value.
func flagError(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return noSuchFlag(cmd, unknown.GetSpecifiedName(), unknown.GetSpecifiedShortnames())
	}
	if lacking, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return fmt.Errorf("--%s wants a value: %s", lacking.GetFlag().Name, wants(lacking.GetFlag()))
	}
	if wrong, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		said := wants(wrong.GetFlag())
		if !strings.HasPrefix(said, "give ") { // it is what the help says of the flag
			said = "this is none that it takes: " + said
		}
		return fmt.Errorf("--%s %q: %s", wrong.GetFlag().Name, wrong.GetValue(), said)
	}
	if wrong, ok := errors.AsType[*pflag.InvalidSyntaxError](err); ok {
		return fmt.Errorf("%q is no flag: write --NAME VALUE or --NAME=VALUE", wrong.GetSpecifiedFlag())
	}
	return err
}

// elsewhereCalled are names that other programs have for what some flags here say.
var elsewhereCalled = map[string][]string{
	"bind": {"addr", "listen"}, "listen": {"addr"}, "port": {"addr", "listen"},
	"debug": {"log-level"}, "quiet": {"log-level"}, "verbose": {"log-level"},
	"dir": {"data"}, "folder": {"data"}, "state": {"data"},
	"format": {"form", "json"}, "output": {"json", "out"},
	"server": {"endpoint"}, "url": {"endpoint"},
	"requests-per-second": {"rate"}, "rps": {"rate"}, "time": {"duration"}, "timeout": {"within"}, "wait": {"within"},
}

// noSuchFlag says that there is no flag of a name, or of a letter among some, and which is near.
func noSuchFlag(cmd *cobra.Command, name, letters string) error {
	if letters != "" {
		return fmt.Errorf("%s has no flag -%s; what begins with - and is no flag comes after --", cmd.CommandPath(), name)
	}
	var near []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && len(name) > 1 && (slices.Contains(elsewhereCalled[name], f.Name) || strings.HasPrefix(f.Name, name) || strings.HasPrefix(name, f.Name) || differByOne(f.Name, name)) {
			near = append(near, "--"+f.Name)
		}
	})
	text := fmt.Sprintf("%s has no flag --%s", cmd.CommandPath(), name)
	if len(near) > 0 {
		return fmt.Errorf("%s; did you mean %s?", text, strings.Join(near, " or "))
	}
	return errors.New(text)
}

// differByOne reports whether two words are the same but for one letter, which one of them
// may lack, or two that have changed places.
func differByOne(a, b string) bool {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}

// wants says what a flag takes.
func wants(f *pflag.Flag) string {
	switch kind := f.Value.Type(); {
	case strings.Contains(kind, "|"): // a choice
		return "give " + strings.ReplaceAll(kind, "|", " or ")
	case kind == "time":
		return "give a time such as 90m, 12h or 14d, from a minute to ten years"
	case kind == "duration":
		return "give a time such as 90s, 10m or 1h30m"
	case strings.HasSuffix(kind, "Slice") && strings.HasPrefix(kind, "int"):
		return "give whole numbers such as 24,168"
	case strings.HasSuffix(kind, "Slice") && strings.HasPrefix(kind, "float"):
		return "give numbers such as 0.8,0.95"
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "uint"), kind == "count":
		return "give a whole number such as " + otherwise(f.DefValue, "10")
	case strings.HasPrefix(kind, "float"):
		return "give a number such as " + otherwise(f.DefValue, "2.5")
	case kind == "bool":
		return "give true or false, or the flag alone, which is true"
	case f.DefValue != "" && f.DefValue != "[]":
		return "give a value such as " + f.DefValue
	}
	_, usage := pflag.UnquoteUsage(f)
	return usage
}

// otherwise is a default that can be an example, or another.
func otherwise(value, example string) string {
	if value == "0" || value == "" {
		return example
	}
	return value
}

// checkValues refuses numbers and times below zero, which no flag takes, and what is no
// finite number.
func checkValues(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		for _, text := range valuesOf(f) {
			if n, ok := amount(f.Value.Type(), text); ok && !(n >= 0 && n <= math.MaxFloat64) && err == nil {
				err = fmt.Errorf("--%s %s: %s, not below 0", f.Name, text, wants(f))
			}
		}
	})
	return err
}

// valuesOf are the values of a flag: several, if it takes a list.
func valuesOf(f *pflag.Flag) []string {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return list.GetSlice()
	}
	return []string{f.Value.String()}
}

// amount reads a value of a flag whose values are numbers or times.
func amount(kind, text string) (n float64, ok bool) {
	if strings.HasPrefix(kind, "duration") {
		d, err := time.ParseDuration(text)
		return float64(d), err == nil
	}
	if strings.HasPrefix(kind, "int") || strings.HasPrefix(kind, "float") {
		n, err := strconv.ParseFloat(text, 64)
		return n, err == nil
	}
	return 0, false
}

// Cobra's words about flags that go together.
var (
	allOf    = regexp.MustCompile(`^if any flags in the group \[(.*)\] are set they must all be set; missing \[(.*)\]$`)
	oneOf    = regexp.MustCompile(`^at least one of the flags in the group \[(.*)\] is required$`)
	noneOf   = regexp.MustCompile(`^if any flags in the group \[(.*)\] are set none of the others can be; \[(.*)\] were all set$`)
	required = regexp.MustCompile(`^required flag\(s\) (.*) not set$`)
)

// unknownCommand is what cobra says of a word in place of a command.
var unknownCommand = regexp.MustCompile(`^unknown command "(.*?)" for "`)

// typingError says in place of cobra which command or flags to give.
func typingError(at *cobra.Command, err error) error {
	text := err.Error()
	if m := unknownCommand.FindStringSubmatch(text); m != nil {
		return noSuchCommand(at, m[1])
	}
	if m := allOf.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("%s go together: give %s, too", dashed(m[1], " and "), dashed(m[2], " and "))
	}
	if m := oneOf.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("give %s", dashed(m[1], " or "))
	}
	if m := noneOf.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("%s do not go together: give one of them", dashed(m[2], " and "))
	}
	if m := required.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("give %s", dashed(strings.NewReplacer(`"`, "", ",", "").Replace(m[1]), " and "))
	}
	return err
}

// dashed writes names of flags as they are typed.
func dashed(names, between string) string {
	return "--" + strings.Join(strings.Fields(names), between+"--")
}

// printUsage tells how to type a command: its form, an example, and where there is more.
func printUsage(w io.Writer, cmd *cobra.Command) {
	if cmd.Runnable() {
		fmt.Fprintln(w, "usage:", cmd.UseLine())
	}
	for line := range strings.Lines(cmd.Example) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, cmd.CommandPath()+" ") {
			fmt.Fprintln(w, "such as:", line)
			break
		}
	}
	fmt.Fprintf(w, "%s --help tells more\n", cmd.CommandPath())
}

// refuseNoTopic has help about a command that is none be refused, as the command is.
func refuseNoTopic(cmd *cobra.Command) {
	help, _, err := cmd.Find([]string{"help"})
	if err != nil {
		return
	}
	help.Args = func(_ *cobra.Command, args []string) error {
		if at, rest, err := cmd.Find(args); err != nil || len(rest) > 0 {
			return noSuchCommand(at, rest[0])
		}
		return nil
	}
}
