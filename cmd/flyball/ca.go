package main

import "github.com/spf13/cobra"

func authorityCommand() *cobra.Command {
	var conn connection
	cmd := &cobra.Command{
		Use:   "ca",
		Short: "The certificate authority of load balancers with HTTPS",
		Long: `Load balancers with HTTPS show certificates that the server makes itself. Clients that
trust its authority trust them.`,
		Example: `  flyball ca >flyball-ca.pem
  curl --cacert flyball-ca.pem https://127.35.4.71/`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pem, err := conn.client().Authority(cmd.Context())
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(pem)
			return err
		},
	}
	conn.flags(cmd)
	return cmd
}
