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
	if iptables("-n", "-L", dockerChain) != nil {
		return nil // neither Docker nor, perhaps, iptables
	}
	for _, rule := range b.dockerRules() {
		if iptables(append([]string{"-C", dockerChain}, rule...)...) == nil {
			continue // an earlier life has made it
		}
		if err := iptables(append([]string{"-I", dockerChain}, rule...)...); err != nil {
			return err
		}
	}
	return nil
}

// unpassDocker removes what passDocker of this life or an earlier one has made.
func (b *Bridge) unpassDocker() {
	for _, rule := range b.dockerRules() {
		_ = iptables(append([]string{"-D", dockerChain}, rule...)...) // there may be none
	}
}

func (b *Bridge) dockerRules() [][]string {
	name := b.link.Attrs().Name
	return [][]string{{"-i", name, "-j", "ACCEPT"}, {"-o", name, "-j", "ACCEPT"}}
}

// iptables runs the program by which Docker makes its rules, whichever of the kernel's
// two ways of keeping them it uses.
func iptables(args ...string) error {
	out, err := exec.Command("iptables", append([]string{"--wait"}, args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("iptables %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
