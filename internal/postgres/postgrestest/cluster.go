// Package postgrestest starts PostgreSQL in a folder of its own, for tests: of the programs that Debian and
// others install, as a user other than root, on a socket that only this machine has.
package postgrestest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrAbsent is returned where PostgreSQL is not installed.
var ErrAbsent = errors.New("PostgreSQL is not on this machine (Debian: apt-get install postgresql)")

// A Cluster is a PostgreSQL that is this program's own.
type Cluster struct {
	dir, bin string
	sockets  string // folder: dir, unless its path is too long for a socket
	user     *user  // whose it is; nil: whoever runs this program
	options  string
}

// Programs is the folder of the programs of the latest release; the error is ErrAbsent if there are none.
func Programs() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is sound
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	if len(found) == 0 {
		return "", ErrAbsent
	}
	release := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // what is no number comes first
		return n
	}
	latest := slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(release(a), release(b)) })
	return filepath.Dir(latest), nil
}

// Start makes a cluster and starts it. One that is safe has what it acknowledges on disk; others are faster.
func Start(ctx context.Context, safe bool) (_ *Cluster, err error) {
	c := &Cluster{}
	if c.bin, err = Programs(); err != nil {
		return nil, err
	}
	if c.user, err = substitute(); err != nil {
		return nil, err
	}
	if c.dir, err = os.MkdirTemp("", "pg-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			c.remove()
		}
	}()
	c.sockets = c.dir
	if len(c.Socket()) > longestSocket {
		if c.sockets, err = os.MkdirTemp("/tmp", "pg-"); err != nil {
			return nil, err
		}
	}
	for _, dir := range []string{c.dir, c.sockets} {
		if err := c.give(dir); err != nil {
			return nil, err
		}
	}
	if err := c.run(ctx, "initdb", "-D", c.data(), "--auth", "trust", "--username", "flyball", "--encoding", "UTF8", "--locale", "C", "--no-sync"); err != nil {
		return nil, err
	}
	c.options = fmt.Sprintf("-k '%s' -c listen_addresses='' -c max_connections=400 -c autovacuum_naptime=10s", c.sockets)
	if !safe {
		c.options += " -c fsync=off -c full_page_writes=off"
	}
	return c, c.StartAgain(ctx)
}

// longestSocket is how long the path of a socket can be, on Linux and on others, with that of its lock file.
const longestSocket = 95

// give gives a folder to the cluster's user.
func (c *Cluster) give(dir string) error {
	if c.user == nil {
		return nil
	}
	return os.Chown(dir, c.user.uid, c.user.gid)
}

func (c *Cluster) remove() error { return errors.Join(os.RemoveAll(c.dir), os.RemoveAll(c.sockets)) }

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// run runs one of PostgreSQL's programs.
func (c *Cluster) run(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, program), args...)
	cmd.Dir = c.dir
	cmd.SysProcAttr = c.user.attributes()
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second // the server, which pg_ctl leaves, has its output
	if err := cmd.Run(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return fmt.Errorf("%s: %w: %s", program, err, strings.TrimSpace(out.String()))
	}
	return nil
}

// StartAgain starts a cluster that was stopped.
func (c *Cluster) StartAgain(ctx context.Context) error {
	return c.run(ctx, "pg_ctl", "-D", c.data(), "-l", filepath.Join(c.dir, "log"), "-o", c.options, "-w", "-t", "60", "start")
}

// Stop stops the cluster: "fast", which ends all sessions, or "immediate", which is a crash.
func (c *Cluster) Stop(ctx context.Context, mode string) error {
	return c.run(ctx, "pg_ctl", "-D", c.data(), "-m", mode, "-w", "stop")
}

// Close stops the cluster and removes its folder.
func (c *Cluster) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return errors.Join(c.Stop(ctx, "immediate"), c.remove())
}

// Socket is where the cluster listens.
func (c *Cluster) Socket() string { return filepath.Join(c.sockets, ".s.PGSQL.5432") }

// URL is that of a database.
func (c *Cluster) URL(database string) string {
	return "postgres://flyball@/" + database + "?host=" + url.PathEscape(c.sockets)
}

// URLThrough is that of a database by way of an address.
func (c *Cluster) URLThrough(address, database string) string {
	return "postgres://flyball@" + address + "/" + database + "?sslmode=disable"
}

// Create makes an empty database, and returns its URL.
func (c *Cluster) Create(ctx context.Context, database string) (string, error) {
	return c.create(ctx, "CREATE DATABASE "+pgx.Identifier{database}.Sanitize(), database)
}

// CreateIn makes an empty database whose files are in a folder that is made for it, such as one on another disk.
func (c *Cluster) CreateIn(ctx context.Context, database, folder string) (string, error) {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", err
	}
	if err := c.give(folder); err != nil {
		return "", err
	}
	name := pgx.Identifier{database}.Sanitize()
	if _, err := c.create(ctx, "CREATE TABLESPACE "+name+" LOCATION '"+strings.ReplaceAll(folder, "'", "''")+"'", database); err != nil {
		return "", err
	}
	return c.create(ctx, "CREATE DATABASE "+name+" TABLESPACE "+name, database)
}

// create makes what a statement makes, and returns the URL of a database.
func (c *Cluster) create(ctx context.Context, statement, database string) (string, error) {
	conn, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return c.URL(database), err
}
