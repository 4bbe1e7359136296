package netns

import (
	"fmt"
	"os/exec"
	"strings"
)

// dockerChain is where Docker's engine asks for the rules of others. Its own, which come
// after, drop what is forwarded for networks that it does not know; where bridges are
// filtered, that is also what one namespace sends another.
const dockerChain = "DOCKER-USER"

// passDocker has Docker's rules let through what comes from the bridge and goes to it, if
// there are such rules.
func (b *Bridge) passDocker() error {
	rules, err := exec.Command("iptables", "--wait", "-S", dockerChain).Output()
	if err != nil {
		return nil // neither Docker nor, perhaps, iptables
	}
	if strings.Contains(string(rules), " "+b.link.Attrs().Name+" ") {
		return nil // an earlier life has made them
	}
	return b.changeDocker("-I")
}

// unpassDocker removes what passDocker of this life or an earlier one has made.
func (b *Bridge) unpassDocker() {
	_ = b.changeDocker("-D") // there may be nothing
}

// changeDocker inserts or deletes the bridge's rules, both at once, by the program with which
// Docker makes its own: it knows in which of the kernel's two ways they are kept.
func (b *Bridge) changeDocker(how string) error {
	name := b.link.Attrs().Name
	cmd := exec.Command("iptables-restore", "--wait", "--noflush")
	cmd.Stdin = strings.NewReader(fmt.Sprintf("*filter\n%s %s -i %s -j ACCEPT\n%[1]s %[2]s -o %[3]s -j ACCEPT\nCOMMIT\n", how, dockerChain, name))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("changing the rules for %s in %s: %w: %s", name, dockerChain, err, strings.TrimSpace(string(out)))
	}
	return nil
}
