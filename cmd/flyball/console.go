package main

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func consoleCommand() *cobra.Command {
	var conn connection
	var browse bool
	cmd := &cobra.Command{
		Use:   "console",
		Short: "Print a link that signs a browser in to the server's console",
		Long: `Console prints where the pages of the server are, with a token that signs a browser in as the access key
that this command calls with. The token is good once and for five minutes; the session that it begins lasts
for twelve hours, and ends with the key.

Where the server runs without --auth, browsers of yours need no token: http://HOST:PORT/console/ does.`,
		Example: `  flyball console
  flyball console --open
  AWS_PROFILE=ann flyball console --endpoint https://localhost:4566 --ca cert.pem`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if conn.Endpoint == "" {
				return refuse("--endpoint aws: AWS has a console of its own; name a server of flyball")
			}
			link, err := conn.client().SignIn(cmd.Context())
			if err != nil {
				return err
			}
			url := strings.TrimSuffix(conn.Endpoint, "/") + link.Path
			fmt.Fprintln(cmd.OutOrStdout(), url)
			if !browse {
				return nil
			}
			return openBrowser(cmd.Context(), url)
		},
	}
	conn.flags(cmd)
	cmd.Flags().BoolVar(&browse, "open", false, "open the link in the browser, too")
	return cmd
}

// openBrowser has the system open a page.
func openBrowser(ctx context.Context, url string) error {
	program := "xdg-open"
	if runtime.GOOS == "darwin" {
		program = "open"
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := exec.CommandContext(ctx, program, url).Run(); err != nil {
		return fmt.Errorf("%s does not open the browser (%w); open the link above by hand", program, err)
	}
	return nil
}
