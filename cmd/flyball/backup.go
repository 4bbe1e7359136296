package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"flyball/internal/datafolder"
	"flyball/internal/terminal"
)

func backupCommand() *cobra.Command {
	var conn connection
	var data string
	cmd := &cobra.Command{
		Use:   "backup TARGET",
		Short: "Copy all that a server keeps, as it is at one moment",
		Long: `Backup writes what is in the data folder of a server to TARGET: an archive if the name ends
with .tar, standard output if it is -, or else a folder, which must not be there or be empty.

It asks the server at --endpoint, whose writers wait some milliseconds while the moment is held,
and go on while it is copied; the server's log says how long they waited. With --data it reads the
folder of a server that is stopped. What was copied is checked as flyball check does: if something is
damaged, the backup has that as well, its places are named, and the status is 1. Left out are images
that were unpacked, which are fetched again, tasks and environments of functions, which are started
again, and the logs of tasks that are in no log group.`,
		Example: `  flyball backup flyball.tar
  flyball backup --data ~/.local/state/flyball flyball.tar
  flyball backup - | zstd >flyball.tar.zst`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeArchives,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := placeFor(args[0], data); err != nil {
				return refusal{err}
			}
			if _, shown := terminal.Width(cmd.OutOrStdout()); shown && args[0] == "-" {
				return refuse("a backup is no text to be shown: name a file that ends with .tar, or lead the output into another program")
			}
			if data != "" {
				return backupStopped(cmd.Context(), data, args[0], cmd.OutOrStdout())
			}
			archive, err := conn.client().Backup(cmd.Context())
			if err != nil {
				return err
			}
			defer archive.Close()
			return saveWhole(cmd.Context(), archive, args[0], cmd.OutOrStdout(), "stop the server, mend its data folder with flyball check DIR --repair")
		},
	}
	conn.flags(cmd)
	cmd.Flags().StringVar(&data, "data", "", "data folder of a server that is stopped, in place of asking one that runs")
	_ = cmd.MarkFlagDirname("data")
	return cmd
}

// completeArchives has a shell complete archives and folders, and where there is a second
// argument, which is a data folder, folders.
func completeArchives(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	switch {
	case len(args) == 0:
		return []string{"tar"}, cobra.ShellCompDirectiveFilterFileExt
	case len(args) == 1 && cmd.Name() == "restore":
		return completeFolders(cmd, nil, begun)
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// placeFor refuses a target that nothing can be written to, before anybody is asked for a
// backup, and one in the data folder that it is of.
func placeFor(target, data string) error {
	if target == "-" {
		return nil
	}
	absolute, err := filepath.Abs(target)
	if err != nil {
		return err
	}
	if data != "" {
		folder, err := filepath.Abs(data)
		if err != nil {
			return err
		}
		if below, err := filepath.Rel(folder, absolute); err == nil && filepath.IsLocal(below) {
			return fmt.Errorf("%s is in the data folder; name a place outside of it", target)
		}
	}
	if !strings.HasSuffix(target, ".tar") { // a folder, which is made, with those above it
		if there, err := os.ReadDir(absolute); err == nil && len(there) > 0 {
			return fmt.Errorf("%s: %w; name another one, or a file that ends with .tar", target, datafolder.ErrThere)
		}
		return nil
	}
	if info, err := os.Stat(filepath.Dir(absolute)); err != nil || !info.IsDir() {
		return fmt.Errorf("there is no folder %s to write %s into; make it first", filepath.Dir(absolute), filepath.Base(absolute))
	}
	if info, err := os.Stat(absolute); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a folder; name a file, or a folder whose name does not end with .tar", target)
	}
	return nil
}

// backupStopped makes a backup of a folder that no server has.
func backupStopped(ctx context.Context, data, target string, out io.Writer) error {
	lock, err := datafolder.Take(data)
	if errors.Is(err, datafolder.ErrLocked) {
		err = fmt.Errorf("%w, or ask it without --data", err)
	}
	if err != nil {
		return refusal{err}
	}
	defer lock.Close()
	from, to := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := datafolder.Backup(ctx, data, nil, to)
		to.CloseWithError(err)
	}()
	// It removes what it has made in the folder, also when the backup could not be saved.
	defer func() { from.Close(); <-done }()
	return saveWhole(ctx, from, target, out, "mend the folder with flyball check "+data+" --repair")
}

// mostPlaces bounds how many damaged places are told.
const mostPlaces = 20

// saveWhole writes an archive to where it is wanted, and says what is damaged in it as in the data folder.
func saveWhole(ctx context.Context, archive io.Reader, target string, out io.Writer, mend string) error {
	same, listed := datafolder.Watch(archive)
	err := saveBackup(ctx, same, target, out)
	damaged, errListed := listed()
	switch {
	case err != nil:
		return err
	case errListed != nil:
		return errListed
	case len(damaged) == 0:
		return nil
	}
	told := damaged[:min(len(damaged), mostPlaces)]
	return fmt.Errorf("the backup is made, and %s damaged in it as in the data folder, so restore will refuse it; %s, and make another\n  %s",
		places(len(damaged)), mend, strings.Join(told, "\n  "))
}

// saveBackup writes an archive to where it is wanted. What is there bears its name only once
// it is whole.
func saveBackup(ctx context.Context, archive io.Reader, target string, out io.Writer) error {
	switch {
	case target == "-":
		_, err := io.Copy(out, archive)
		return err
	case !strings.HasSuffix(target, ".tar"):
		err := datafolder.Unpack(ctx, archive, target)
		if errors.Is(err, datafolder.ErrThere) {
			return refuse("%w; name another one, or a file that ends with .tar", err)
		}
		return err
	}
	partial, err := os.OpenFile(target+".partial", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(partial.Name()) // it has another name if all went well
	_, err = io.Copy(partial, archive)
	if err := errors.Join(err, partial.Sync(), partial.Close()); err != nil {
		return err
	}
	return os.Rename(partial.Name(), target)
}

func restoreCommand() *cobra.Command {
	var replace bool
	cmd := &cobra.Command{
		Use:   "restore BACKUP DIR",
		Short: "Put a backup into the place of a data folder",
		Long: `Restore compares a backup, an archive or a folder that flyball backup made, with its list of
files, checks it as flyball check does, and makes the data folder DIR of it, in one step: a restore
that is broken off leaves DIR as it was. A folder that is there is replaced only with --replace, and
kept as DIR.before-TIME.`,
		Example: `  flyball restore flyball.tar ~/.local/state/flyball
  flyball restore flyball.tar ~/.local/state/flyball --replace`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: completeArchives,
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := os.Stat(args[0]); err != nil {
				return refuse("read the backup: %w; make one with flyball backup", err)
			}
			before, err := datafolder.Restore(cmd.Context(), args[0], args[1], replace)
			switch {
			case errors.Is(err, datafolder.ErrThere):
				return refuse("%w; give another one, or --replace, which keeps it under another name", err)
			case errors.Is(err, datafolder.ErrOther):
				return refuse("%w; --replace takes the place of such a folder only", err)
			case errors.Is(err, datafolder.ErrLocked):
				return refusal{err}
			case errors.Is(err, datafolder.ErrNoBackup):
				return refuse("%s: %w; flyball backup makes one", args[0], err)
			}
			if err == nil && before != "" {
				fmt.Fprintf(cmd.OutOrStdout(), "What was there is kept in %s.\n", before)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&replace, "replace", false, "take the place of the folder that is there, which is kept as DIR.before-TIME")
	return cmd
}
