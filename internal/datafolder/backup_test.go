package datafolder_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"flyball/internal/datafolder"
	"flyball/internal/logstore"
	"flyball/internal/registry"
	"flyball/internal/state"
	"flyball/internal/store"
)

// folder is a data folder with something in some of its stores.
func folder(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	st, err := store.OpenSQLite(datafolder.Database(dir))
	if err != nil {
		t.Fatal(err)
	}
	err = st.Write(new(store.Batch).Put("kind", "key", []byte("value"))).Wait()
	logs, errLogs := logstore.Open(filepath.Join(dir, datafolder.Logs, "123456789012", "us-east-1"), logstore.Options{})
	content, errContent := registry.OpenStore(filepath.Join(dir, datafolder.Registry), slog.New(slog.DiscardHandler))
	if err := errors.Join(err, errLogs, errContent, st.Close()); err != nil {
		t.Fatal(err)
	}
	_, release, errPut := content.Put([]byte("layer"))
	if err := errors.Join(errPut, logs.Append(1, 1, 1, []logstore.Event{{Time: 1, Message: "line"}}), logs.Close()); err != nil {
		t.Fatal(err)
	}
	release()
	return dir
}

func backup(t testing.TB, dir string) []byte {
	t.Helper()
	var archive bytes.Buffer
	if _, err := datafolder.Backup(t.Context(), dir, nil, &archive); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

// archived writes an archive to a file.
func archived(t testing.TB, archive []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backup.tar")
	if err := os.WriteFile(path, archive, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sound tells how many items are sound in a folder, and what is not.
func sound(t testing.TB, dir string) (items int, damaged []string) {
	t.Helper()
	reports, err := datafolder.Check(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range reports {
		items += r.Sound
		for _, f := range r.Found {
			damaged = append(damaged, f.File)
		}
	}
	return items, damaged
}

// siblings are what is beside a folder.
func siblings(t testing.TB, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// restored restores a backup, as an archive and as a folder.
func restored(t *testing.T, archive []byte) (folders []string) {
	t.Helper()
	unpacked := filepath.Join(t.TempDir(), "backup")
	if err := datafolder.Unpack(t.Context(), bytes.NewReader(archive), unpacked); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{archived(t, archive), unpacked} {
		to := filepath.Join(t.TempDir(), "restored")
		if _, err := datafolder.Restore(t.Context(), from, to, false); err != nil {
			t.Fatal(err)
		}
		folders = append(folders, to)
	}
	return folders
}

func TestABackupIsRestoredAsItWas(t *testing.T) {
	dir := folder(t)
	want, _ := sound(t, dir)
	for _, to := range restored(t, backup(t, dir)) {
		if got, damaged := sound(t, to); got != want || len(damaged) > 0 {
			t.Errorf("%d of %d items are sound; damaged: %v", got, want, damaged)
		}
	}
	if names := siblings(t, filepath.Join(dir, "x")); strings.Contains(strings.Join(names, " "), "backup-") {
		t.Errorf("the backup has left something: %v", names)
	}
}

// A server misses folders that it has noted, whether or not there was something in them.
func TestARestoreHasTheFoldersThatWereEmpty(t *testing.T) {
	dir := folder(t)
	empty := filepath.Join(datafolder.Functions, "123456789012", "us-east-1")
	if err := os.MkdirAll(filepath.Join(dir, empty), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, to := range restored(t, backup(t, dir)) {
		if info, err := os.Stat(filepath.Join(to, empty)); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%v, %v", info, err)
		}
	}
}

// withoutFolders is an archive as earlier releases made them, whose list names files only.
func withoutFolders(t *testing.T, archive []byte) []byte {
	t.Helper()
	var made bytes.Buffer
	from, to := tar.NewReader(bytes.NewReader(archive)), tar.NewWriter(&made)
	for {
		h, err := from.Next()
		if err == io.EOF {
			break
		}
		content, errRead := io.ReadAll(from)
		if err := errors.Join(err, errRead); err != nil {
			t.Fatal(err)
		}
		if h.Name == "backup.json" {
			var list map[string]any
			if err := json.Unmarshal(content, &list); err != nil || list["Folders"] == nil {
				t.Fatalf("%v: %s", err, content)
			}
			delete(list, "Folders")
			delete(list, "Damaged")
			content, _ = json.Marshal(list)
			h.Size = int64(len(content))
		}
		if err := to.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return made.Bytes()
}

// A folder that is missing in a backup which names folders is lost. In one that does not, it was
// empty.
func TestARestoreOfAnEarlierBackupHasTheFoldersThatItsServerNoted(t *testing.T) {
	dir := folder(t)
	gone := filepath.Join(datafolder.Functions, "123456789012", "us-east-1")
	if err := os.MkdirAll(filepath.Join(dir, gone), 0o700); err != nil {
		t.Fatal(err)
	}
	inState(t, dir, func(s *state.State) error {
		return s.Change(t.Context(), func(_ context.Context, tx *state.Tx) error {
			datafolder.NoteFolders(tx, dir)
			return nil
		})
	})
	if err := os.RemoveAll(filepath.Join(dir, datafolder.Functions)); err != nil {
		t.Fatal(err)
	}
	archive := backup(t, dir)
	earlier := withoutFolders(t, archive)
	unpacked := filepath.Join(t.TempDir(), "backup")
	if err := datafolder.Unpack(t.Context(), bytes.NewReader(earlier), unpacked); err != nil {
		t.Fatal(err)
	}
	for from, lost := range map[string]bool{archived(t, archive): true, archived(t, earlier): false, unpacked: false} {
		to := filepath.Join(t.TempDir(), "restored")
		if _, err := datafolder.Restore(t.Context(), from, to, false); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(to, gone)); errors.Is(err, fs.ErrNotExist) != lost {
			t.Errorf("%s: the folder is lost: %t (%v)", from, !lost, err)
		}
		inState(t, to, func(s *state.State) error {
			noted, err := datafolder.NotedFolders(s)
			if !slices.Contains(noted, gone) {
				t.Errorf("%s: a folder is not missed any more: %q", from, noted)
			}
			return err
		})
	}
}

// inState does something in the state of a folder.
func inState(t *testing.T, dir string, do func(*state.State) error) {
	t.Helper()
	st, err := store.OpenSQLite(datafolder.Database(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(do(state.New(st)), st.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestARestoreReplacesOnlyWhenItIsTold(t *testing.T) {
	dir := folder(t)
	from := archived(t, backup(t, dir))
	if _, err := datafolder.Restore(t.Context(), from, dir, false); !errors.Is(err, datafolder.ErrThere) {
		t.Errorf("got %v", err)
	}
	before, err := datafolder.Restore(t.Context(), from, dir, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{dir, before} {
		if items, damaged := sound(t, folder); items != 3 || len(damaged) > 0 {
			t.Errorf("%s: %d items are sound; damaged: %v", folder, items, damaged)
		}
	}
}

func TestARestoreLeavesWhatIsNoDataFolderAlone(t *testing.T) {
	from := archived(t, backup(t, folder(t)))
	home := t.TempDir()
	file := filepath.Join(home, "letter")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{home, file} {
		if _, err := datafolder.Restore(t.Context(), from, place, true); !errors.Is(err, datafolder.ErrOther) {
			t.Errorf("%s: got %v", place, err)
		}
	}
	if names := siblings(t, file); len(names) != 1 {
		t.Errorf("the folder has changed: %v", names)
	}
}

func TestARestoreReplacesAFolderThatHasLostItsState(t *testing.T) {
	dir := folder(t)
	from := archived(t, backup(t, dir))
	if err := os.Remove(datafolder.Database(dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := datafolder.Restore(t.Context(), from, dir, true); err != nil {
		t.Error(err)
	}
}

func TestARestoreLeavesTheFolderOfARunningServerAlone(t *testing.T) {
	dir := folder(t)
	from := archived(t, backup(t, dir))
	lock, err := datafolder.Take(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := datafolder.Restore(t.Context(), from, dir, true); !errors.Is(err, datafolder.ErrLocked) {
		t.Errorf("got %v", err)
	}
	if _, err := datafolder.Take(dir); !errors.Is(err, datafolder.ErrLocked) {
		t.Errorf("it is checked while a server has it: %v", err)
	}
}

func TestABackupThatIsNotWholeLeavesNothing(t *testing.T) {
	archive := backup(t, folder(t))
	for range 60 {
		damaged := bytes.Clone(archive)
		what := "cut"
		if rand.IntN(2) == 0 {
			damaged = damaged[:rand.IntN(len(archive)-1024-512)] // at the end are blocks of zeros
		} else {
			what = "flipped"
			bit := rand.IntN(8 * len(archive))
			damaged[bit/8] ^= 1 << (bit % 8)
		}
		dir := filepath.Join(t.TempDir(), "restored")
		_, err := datafolder.Restore(t.Context(), archived(t, damaged), dir, false)
		if err == nil {
			if items, wrong := sound(t, dir); what == "cut" || items != 3 || len(wrong) > 0 {
				t.Errorf("%s, and restored with %d items and %v", what, items, wrong)
			}
			continue
		}
		if names := siblings(t, dir); len(names) > 0 {
			t.Errorf("it has left %v", names)
		}
	}
}

func TestARestoreThatIsBrokenOffLeavesNothing(t *testing.T) {
	from := archived(t, backup(t, folder(t)))
	dir := filepath.Join(t.TempDir(), "restored")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := datafolder.Restore(ctx, from, dir, false); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	// What a kill has left goes with the next one.
	if err := os.Mkdir(dir+".restoring-1", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := datafolder.Restore(t.Context(), from, dir, false); err != nil {
		t.Fatal(err)
	}
	if names := siblings(t, dir); len(names) != 1 {
		t.Errorf("beside it are %v", names)
	}
}

func TestAFolderThatHasLostItsStateIsNotBegunAnew(t *testing.T) {
	dir := folder(t)
	if err := datafolder.Begun(dir); err != nil {
		t.Errorf("with its state: %v", err)
	}
	for _, path := range store.Files(datafolder.Database(dir)) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if err := datafolder.Begun(dir); err == nil || !strings.Contains(err.Error(), "flyball.db") {
		t.Errorf("without its state: %v", err)
	}
	if err := datafolder.Begun(t.TempDir()); err != nil {
		t.Errorf("an empty one: %v", err)
	}
}

// Whatever an archive has, nothing is written beside the folder that it is restored to.
func FuzzRestore(f *testing.F) {
	f.Add([]byte{})
	f.Add(backup(f, folder(f)))
	f.Fuzz(func(t *testing.T, archive []byte) {
		dir := filepath.Join(t.TempDir(), "restored")
		_, err := datafolder.Restore(t.Context(), archived(t, archive), dir, false)
		if names := siblings(t, dir); len(names) > 1 || err != nil && len(names) > 0 {
			t.Errorf("%v, and beside it are %v", err, names)
		}
	})
}

// A backup that lacks what a link leads to would be found out by the restore, if at all.
func TestALinkIsNotLeftOutOfABackup(t *testing.T) {
	for _, name := range []string{datafolder.Logs, datafolder.Logs + "/123456789012/us-east-1/link"} {
		dir := folder(t)
		path, elsewhere := filepath.Join(dir, name), filepath.Join(t.TempDir(), "elsewhere")
		if name == datafolder.Logs {
			if err := os.Rename(path, elsewhere); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(elsewhere, path); err != nil {
			t.Fatal(err)
		}
		if _, err := datafolder.Backup(t.Context(), dir, nil, io.Discard); err == nil || !strings.Contains(err.Error(), path+" is a symbolic link") {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := folder(t)
	if err := errors.Join(os.Rename(datafolder.Database(dir), dir+"-elsewhere"), os.Symlink(dir+"-elsewhere", datafolder.Database(dir))); err != nil {
		t.Fatal(err)
	}
	if lock, err := datafolder.Take(dir); err == nil || !strings.Contains(err.Error(), "flyball.db is a symbolic link") {
		t.Errorf("%v, %v", lock, err)
	}
}

// spoil changes a byte of a file.
func spoil(t *testing.T, path string, at int) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[at] ^= 4
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// only is the one file that a pattern below a folder matches.
func only(t *testing.T, dir, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	return found[0]
}

func TestABackupTellsWhatIsDamagedInIt(t *testing.T) {
	for what, damage := range map[string]func(dir string){
		"flyball.db": func(dir string) {
			content, err := os.ReadFile(datafolder.Database(dir))
			if err != nil {
				t.Fatal(err)
			}
			spoil(t, datafolder.Database(dir), bytes.LastIndex(content, []byte("value")))
		},
		datafolder.Logs:     func(dir string) { spoil(t, only(t, dir, "logs/*/*/*.seg"), 30) },
		datafolder.Registry: func(dir string) { spoil(t, only(t, dir, "registry/blobs/*/*/*"), 0) },
		"":                  func(string) {},
	} {
		dir := folder(t)
		damage(dir)
		var archive bytes.Buffer
		made, err := datafolder.Backup(t.Context(), dir, nil, &archive)
		if err != nil || made.Unchecked != nil {
			t.Fatalf("%s: %v, %v", what, err, made.Unchecked)
		}
		same, damaged := datafolder.Watch(&archive)
		if _, err := io.Copy(io.Discard, same); err != nil {
			t.Fatal(err)
		}
		told, err := damaged()
		if err != nil || !slices.Equal(told, made.Damaged) {
			t.Errorf("%s: %v, %q and %q", what, err, told, made.Damaged)
		}
		if what == "" && len(told) > 0 || what != "" && (len(told) != 1 || !strings.HasPrefix(told[0], what)) {
			t.Errorf("%s is damaged: %q", what, told)
		}
	}
}

func TestABackupThatNobodyCheckedIsNotTakenForWhole(t *testing.T) {
	archive := backup(t, folder(t))
	for name, part := range map[string][]byte{"made by an earlier release": withoutFolders(t, archive), "cut": archive[:len(archive)/2]} {
		same, damaged := datafolder.Watch(bytes.NewReader(part))
		if _, err := io.Copy(io.Discard, same); err != nil {
			t.Fatal(err)
		}
		if told, err := damaged(); err == nil {
			t.Errorf("%s: %q", name, told)
		}
	}
}

func TestABackupThatWasCutOffIsNotCalledAnUnexpectedEOF(t *testing.T) {
	whole := backup(t, folder(t))
	for _, n := range []int{0, 600, len(whole) / 2, len(whole) * 3 / 4} {
		dir := filepath.Join(t.TempDir(), "restored")
		_, err := datafolder.Restore(t.Context(), archived(t, whole[:n]), dir, false)
		if !errors.Is(err, datafolder.ErrNoBackup) {
			t.Errorf("after %d of %d bytes: %v", n, len(whole), err)
		}
		if names := siblings(t, dir); len(names) != 0 {
			t.Errorf("it has left %v", names)
		}
	}
}

func TestARestoreNamesWhatIsDamagedAsTheBackupDoes(t *testing.T) {
	dir := folder(t)
	spoil(t, only(t, dir, "registry/blobs/*/*/*"), 0)
	var archive bytes.Buffer
	made, err := datafolder.Backup(t.Context(), dir, nil, &archive)
	if err != nil || len(made.Damaged) != 1 {
		t.Fatalf("%v, %q", err, made.Damaged)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("backup.tar", archive.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := datafolder.Restore(t.Context(), "backup.tar", "restored", false); err == nil || !strings.Contains(err.Error(), "restored: "+made.Damaged[0]) {
		t.Errorf("%v, want %q", err, made.Damaged[0])
	}
}
