package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/spf13/cobra"

	"flyball/internal/sharedfile"
	"flyball/internal/shellenv"
)

// An environment is what `flyball env` was asked for.
type environment struct {
	conn          connection
	shell         string
	only          []string
	profile, file string
	leave         bool
}

func environmentCommand() *cobra.Command {
	var e environment
	cmd := &cobra.Command{
		Use:   "env",
		Short: "Print what a shell sets so that the aws CLI, SDKs and Terraform call the server",
		Long: `Env prints commands for a shell: the variables that both versions of the aws CLI, boto3, the other
SDKs and Terraform need to call the server, and the removal of those that would lead them elsewhere,
such as AWS_PROFILE. What the shell had before is kept, and comes back with --unset.

The access key is "test", which the server takes from your own programs. Where it runs with --auth, name
the file or the profile that has an issued key.`,
		Example: `  eval "$(flyball env)"
  eval "$(flyball env --unset)"                     # as before
  flyball env --shell fish | source
  eval "$(flyball env --endpoint http://127.0.0.1:5000 --region eu-west-2 --account 210987654321)"
  eval "$(flyball env --credentials-file admin.ini)"
  eval "$(flyball env --only ecs,cloudwatch,application-autoscaling)"   # all else goes where it went`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(e.only) == 0 && cmd.Flags().Changed("only") {
				return refuse("--only names no service; give some of %s", strings.Join(shellenv.Services(), ", "))
			}
			return e.print(cmd)
		},
	}
	e.conn.flags(cmd)
	// The key in the environment may be one of AWS's: it is not asked for.
	cmd.PreRunE = nil
	f := cmd.Flags()
	choiceVar(cmd, &e.shell, "shell", "the shell: sh is for bash, zsh and the like; that of SHELL by default", shellNames(os.Getenv("SHELL"))...)
	f.StringSliceVar(&e.only, "only", nil, "lead only these services to the server, with commas between them: "+strings.Join(shellenv.Services(), ", "))
	f.StringVar(&e.profile, "profile", "", "call with the key of this profile of ~/.aws/credentials or --credentials-file")
	f.StringVar(&e.file, "credentials-file", "", "call with a key in this file, which is like ~/.aws/credentials")
	f.BoolVar(&e.leave, "unset", false, "print what brings back the variables that the shell had before")
	for _, other := range []string{"only", "profile", "credentials-file", "account"} {
		cmd.MarkFlagsMutuallyExclusive("unset", other)
	}
	cmd.MarkFlagsMutuallyExclusive("account", "profile")
	cmd.MarkFlagsMutuallyExclusive("account", "credentials-file")
	_ = cmd.RegisterFlagCompletionFunc("only", cobra.FixedCompletions(shellenv.Services(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// shellNames are the kinds of shells, first the one that a user logs in with.
func shellNames(login string) (names []string) {
	for _, s := range shellenv.Shells() {
		if s.Name == filepath.Base(login) {
			names = slices.Insert(names, 0, s.Name)
		} else {
			names = append(names, s.Name)
		}
	}
	return names
}

// print prints the commands. What the user should know of them goes to standard error, where a
// shell does not take it for commands.
func (e *environment) print(cmd *cobra.Command) error {
	all := shellenv.Shells()
	shell := all[slices.IndexFunc(all, func(s shellenv.Shell) bool { return s.Name == e.shell })]
	if e.leave {
		changes, err := shellenv.Leave(os.Getenv)
		if err != nil {
			return refusal{err}
		}
		_, err = io.WriteString(cmd.OutOrStdout(), shell.Script(changes, false))
		return err
	}
	target, err := e.target()
	if err != nil {
		return refusal{err}
	}
	changes, err := shellenv.Enter(target, os.Getenv)
	if err != nil {
		return refusal{err}
	}
	e.tellOfServer(cmd.Context(), cmd.ErrOrStderr())
	fmt.Fprint(cmd.OutOrStdout(), shell.Script(changes, true))
	fmt.Fprintf(cmd.OutOrStdout(), "# Run it so: %s\n", fmt.Sprintf(shell.Read, "flyball "+strings.Join(os.Args[1:], " ")))
	return nil
}

// target finds the key, and completes the connection for a look at the server.
func (e *environment) target() (shellenv.Target, error) {
	t := shellenv.Target{Endpoint: strings.TrimSuffix(e.conn.Endpoint, "/"), Region: e.conn.Region, Services: e.only, Profile: e.profile}
	t.Key = aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}
	if e.conn.Account != "" {
		t.Key.AccessKeyID = e.conn.Account // a key of 12 digits names its account
	}
	if u, err := url.Parse(t.Endpoint); err != nil || u.Host == "" {
		return t, fmt.Errorf("--endpoint %q is not the URL of a server, such as http://127.0.0.1:4566", e.conn.Endpoint)
	}
	var err error
	if e.file != "" {
		if t.File, err = filepath.Abs(e.file); err != nil {
			return t, err
		}
	}
	if e.conn.authority != "" {
		if t.Authority, err = filepath.Abs(e.conn.authority); err != nil {
			return t, err
		}
	}
	if err := e.conn.complete(); err != nil {
		return t, err
	}
	e.conn.Credentials = t.Key
	if t.File != "" || t.Profile != "" {
		e.conn.Credentials, err = sharedfile.Find(func(name string) string {
			return map[string]string{"AWS_SHARED_CREDENTIALS_FILE": t.File, "AWS_PROFILE": t.Profile}[name]
		})
		if err == nil && e.conn.Credentials.AccessKeyID == "" {
			err = fmt.Errorf("profile %q has no access key; --profile names another, --credentials-file another file", cmp.Or(e.profile, "default"))
		}
	}
	return t, err
}

// tellOfServer tells if calls would not be answered.
func (e *environment) tellOfServer(ctx context.Context, w io.Writer) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c := e.conn.client()
	_, err := c.STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}, func(o *sts.Options) { o.RetryMaxAttempts = 1 })
	var refused smithy.APIError
	switch {
	case errors.As(err, &refused):
		fmt.Fprintf(w, "flyball: the server at %s refuses the access key: %s. Give an issued one with --credentials-file or --profile.\n", c.Endpoint, refused.ErrorMessage())
	case err != nil:
		fmt.Fprintf(w, "flyball: %v; calls will fail until one is started there: flyball serve\n", c.Plain(err))
	}
}
