package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is what git says of the commit; make has the linker set it.
var version string

// unversioned is the version of a program that was made outside of a git checkout.
const unversioned = "dev (built without git)"

// release names the version of this program and what made it.
func release() string { return describe(version, buildInfo()) }

func buildInfo() *debug.BuildInfo {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info
	}
	return new(debug.BuildInfo)
}

// versionOf prefers what make has stamped. A plain `go build` knows the commit where there is
// git, and `go install` the version of the module.
func versionOf(stamped string, info *debug.BuildInfo) string {
	known := info.Main.Version
	if known == "(devel)" {
		known = ""
	}
	return cmp.Or(stamped, known, unversioned)
}

func describe(stamped string, info *debug.BuildInfo) string {
	return fmt.Sprintf("%s, %s, %s/%s", versionOf(stamped, info), cmp.Or(info.GoVersion, runtime.Version()), runtime.GOOS, runtime.GOARCH)
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, as --version does",
		Example: `  flyball version`,
		Args:    cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			// As cobra prints it for --version. A template of our own would have cobra execute it by
			// reflection, and then the linker keeps every method: 92 MiB in place of 60.
			fmt.Fprintln(cmd.OutOrStdout(), "flyball version", release())
		},
	}
}
