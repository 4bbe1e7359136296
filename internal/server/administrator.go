package server

import (
	"errors"
	"fmt"

	"flyball/internal/cell"
	"flyball/internal/principal"
	"flyball/internal/sharedfile"
	"flyball/internal/signature"
)

// An Administrator is the holder of the first access key of the server's account: that
// of its root user, who gives others theirs.
type Administrator struct{ AccessKey, Secret string }

// ReadAdministrator reads the access key from a file in the form of AWS's
// ~/.aws/credentials, from its section [default] or from before all sections.
func ReadAdministrator(name string) (*Administrator, error) {
	c, err := sharedfile.Read(name, sharedfile.Default)
	if err == nil {
		a := &Administrator{c.AccessKeyID, c.SecretAccessKey}
		if err = a.check(); err == nil {
			return a, nil
		}
	}
	return nil, fmt.Errorf("read the administrator's access key from %s: %w", name, err)
}

func (a *Administrator) check() error {
	switch {
	case a.AccessKey == "":
		return errors.New("section [default] has no aws_access_key_id")
	case a.Secret == "":
		return errors.New("section [default] has no aws_secret_access_key")
	case len(a.AccessKey) < 16 || len(a.AccessKey) > 128 || !madeOf(a.AccessKey, digits+"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"):
		return errors.New("aws_access_key_id must have 16 to 128 letters, digits and underscores")
	}
	return nil
}

// has tells whether it is the administrator's access key, if there is one.
func (a *Administrator) has(accessKey string) bool { return a != nil && a.AccessKey == accessKey }

// credential is that of the root user of the server's account.
func (a *Administrator) credential(c Config) signature.Credential {
	root := (&cell.Cell{Account: c.Account, Region: c.Region}).GlobalARN("iam", "root")
	return signature.Credential{
		Secret: a.Secret, Active: true,
		Principal: principal.Principal{Kind: principal.Root, Account: c.Account, ARN: root, ID: c.Account},
	}
}
