package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/cause"
	"flyball/internal/client"
)

func healthCommand() *cobra.Command {
	var conn connection
	var within time.Duration
	var control string
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask whether a server answers: status 0 if it does, 1 if not",
		Long: `Health asks the server for /healthz, which needs no access key. It is the health check of the
image, which has neither a shell nor curl. There the same image may run flyball control, whose --listen has /healthz as
well: --control is asked where no server answers.

At a loopback address any certificate is taken: nothing is told there but whether the server answers.`,
		Example: `  flyball health
  flyball health --endpoint https://127.0.0.1:4566 --timeout 2s
  flyball health --control http://127.0.0.1:9466`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if within <= 0 {
				return refuse("--timeout %v: give a duration above 0, such as 5s", within)
			}
			if conn.HTTP == nil && isLoopbackURL(conn.Endpoint) {
				conn.HTTP = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), within)
			defer cancel()
			err := conn.client().ServerHealth(ctx)
			if control != "" && errors.As(err, new(*client.Unreachable)) {
				if other := client.New(client.Config{Endpoint: control, Flag: "--control"}).ControlHealth(ctx); other != nil {
					if unreachable, is := errors.AsType[*client.Unreachable](other); is {
						other = fmt.Errorf("no controller answers at %s: %w; start one with flyball control --listen, or name another with --control", control, cause.Of(unreachable.Err))
					}
					return fmt.Errorf("%w; and %w", err, other)
				}
				err = nil
			}
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "ok")
			return nil
		},
	}
	conn.flags(cmd)
	cmd.Flags().DurationVar(&within, "timeout", 5*time.Second, "how long the answer may take")
	cmd.Flags().StringVar(&control, "control", "", "address of flyball control, which is asked where no server answers")
	return cmd
}

// isLoopbackURL says whether a URL leads to this machine alone.
func isLoopbackURL(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
