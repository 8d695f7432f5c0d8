//go:build linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// inNamespace runs a shell script in network and mount namespaces of its own, in
// an empty directory, with the binaries on the PATH. There, a veth pair leads to
// 10.9.0.0/24 and 2001:db8::/64, where the addresses ending in 77, 78 and 53 have
// a neighbour entry and no host behind it: what is sent there is never answered.
// The script fails at its first command that does, and returns what it prints.
func inNamespace(t *testing.T, text string) string {
	t.Helper()
	for _, name := range []string{"unshare", "ip", "mount", "sh"} {
		script.Peer(t, name)
	}
	if err := exec.Command("unshare", "-nm", "true").Run(); err != nil {
		script.Missing(t, "network namespaces are not permitted")
	}
	// dash has no jobs in a command substitution: $(jobs -p) is empty there.
	const setUp = `
set -eu
trap 'jobs -p >jobs; for p in $(cat jobs); do kill $p 2>/dev/null || true; done' EXIT
ip link set lo up
ip link add near type veth peer name far
ip link set near up
ip link set far up
ip address add 10.9.0.1/24 dev near
ip address add 2001:db8::1/64 dev near nodad || true
for a in 10.9.0.77 10.9.0.78 10.9.0.53 2001:db8::77; do
	ip neighbour add $a lladdr 02:00:00:00:00:77 dev near nud permanent || true
done
hosts() { cat >hosts; mount --bind hosts /etc/hosts; }
nameserver() { echo "nameserver $1" >resolv.conf; mount --bind resolv.conf /etc/resolv.conf; }
status() { want=$1; shift; "$@" 2>said && s=0 || s=$?; cat said; test $s -eq $want || { echo "status $s, want $want: $*"; exit 1; }; }
`
	dir := t.TempDir()
	cmd := exec.Command("unshare", "-nm", "sh", "-c", setUp+text)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(script.Path("gcat"))+":"+os.Getenv("PATH"))
	cmd.WaitDelay = limit // for what the script leaves behind
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out := new(strings.Builder)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(2*limit, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer timer.Stop()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out.String()
}

// wants checks that the output holds each text.
func wants(t *testing.T, out string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(out, text) {
			t.Errorf("%q is not in:\n%s", text, out)
		}
	}
}

// One address of several that is dead or silent does not keep gcat from the
// next, well within a limit that the kernel's own second try would not meet.
func TestNamespaceAddresses(t *testing.T) {
	out := inNamespace(t, `
hosts <<END
10.9.0.77 late.test
10.9.0.78 late.test
127.0.0.1 late.test
2001:db8::77 six.test
127.0.0.1 six.test
10.9.0.77 dead.test
10.9.0.78 dead.test
END
gcat -lk --ready addr 127.0.0.1 0 & listener=$!
while ! test -s addr; do sleep 0.02; done
port=$(sed s/.*:// addr)
status 0 gcat -zv --connect-timeout 0.9 late.test $port
status 0 gcat -zv --connect-timeout 0.9 six.test $port
status 4 gcat --connect-timeout 0.6 dead.test $port </dev/null
status 4 gcat --connect-timeout 0.6 late.test 1 </dev/null
status 4 gcat --deadline 0.6 dead.test $port </dev/null
status 4 gcat --retry 0.6 --connect-timeout 0.4 dead.test $port </dev/null
kill $listener
`)
	wants(t, out, "late.test:", "six.test:", ": open",
		"10.9.0.77, 10.9.0.78: timed out after 600ms (connect limit)",
		"127.0.0.1: connection refused", "10.9.0.78: timed out after 600ms (connect limit)",
		"10.9.0.77, 10.9.0.78: the run took longer than 600ms (deadline)", "dead.test:", "timed out after 600ms (retry limit)")
}

// A name that has no address of the family asked for is told like an address of
// the other family, and one that -s names is not taken for the peer's.
func TestNamespaceFamilies(t *testing.T) {
	out := inNamespace(t, `
hosts <<END
127.0.0.1 four.test
::1 six.test
::1 both.test
127.0.0.2 both.test
END
nameserver 10.200.0.1
status 3 gcat -6 four.test 80 </dev/null
status 3 gcat -u4 six.test 80 </dev/null
status 3 gcat -6lp 0 four.test
status 3 gcat -6ul 10.9.0.1 0
status 3 gcat -nl four.test 0
status 3 gcat -nul 127.0.0.1 http
status 3 gcat -l 127.0.0.1 nosuch
status 3 gcat -l fe80::1%nosuch 0
status 3 gcat -ul fe80::1 0
status 4 gcat -lv --connect-timeout 0.01 four.test 0
status 4 gcat -lv --connect-timeout 0.01 both.test 0
status 4 gcat -6lv --connect-timeout 0.01 both.test 0
status 3 gcat -s 10.9.0.1 six.test 80 </dev/null
status 3 gcat -s six.test 127.0.0.1 80 </dev/null
status 3 gcat -s nosuch.test 127.0.0.1 80 </dev/null
status 3 gcat -s [::1] ::1 80 </dev/null
status 3 gcat fe80::1%nosuch 80 </dev/null
`)
	wants(t, out,
		"gcat: connect to four.test:80: four.test: no IPv6 address\n",
		"gcat: connect to six.test:80: six.test: no IPv4 address\n",
		"gcat: listen on tcp6://four.test:0: four.test: no IPv6 address\n",
		"gcat: listen on udp6://10.9.0.1:0: 10.9.0.1: no IPv6 address\n",
		"gcat: listen on tcp://four.test:0: \"four.test\": not an address, and names are not looked up\n",
		"gcat: listen on udp://127.0.0.1:http: \"http\": not a port's number, and names are not looked up\n",
		"gcat: listen on tcp://127.0.0.1:nosuch: \"nosuch\": no such service for tcp\n",
		"gcat: listen on tcp://[fe80::1%nosuch]:0: no such interface: \"nosuch\"\n",
		"gcat: listen on udp://[fe80::1]:0: a link-local address needs its interface: fe80::1%INTERFACE\n",
		"gcat: listening on 127.0.0.1:", "gcat: listening on 127.0.0.2:", "gcat: listening on [::1]:",
		"gcat: connect to six.test:80: source address: 10.9.0.1: no IPv6 address (::1)\n",
		"gcat: connect to 127.0.0.1:80: source address: six.test: no IPv4 address\n",
		"gcat: connect to 127.0.0.1:80: source address \"nosuch.test\": name server 10.200.0.1:53: network is unreachable\n",
		"gcat: connect to [::1]:80: connection refused\n",
		"gcat: connect to [fe80::1%nosuch]:80: no such interface: \"nosuch\"\n")
}

// A name server that never answers is bounded by the connect limit, and one that
// cannot be reached is told as such.
func TestNamespaceNameServer(t *testing.T) {
	out := inNamespace(t, `
hosts </dev/null
nameserver 10.9.0.53
status 4 gcat --connect-timeout 0.3 somewhere.test 80 </dev/null
status 4 gcat -u --connect-timeout 0.3 somewhere.test 80 </dev/null
status 4 gcat -z -w 0.3 somewhere.test 80-90
umount /etc/resolv.conf
nameserver 10.200.0.1
status 3 gcat somewhere.test 80 </dev/null
`)
	wants(t, out, "gcat: connect to somewhere.test:80: name lookup timed out after 300ms (connect limit)",
		"name server 10.200.0.1:53: network is unreachable")
}

// --retry waits through refusals, names that are not there yet and SYNs that are
// dropped, each try bounded.
func TestNamespaceRetry(t *testing.T) {
	script.Peer(t, "nft")
	out := inNamespace(t, `
hosts </dev/null
nameserver 10.9.0.53
gcat -lk --ready addr 127.0.0.1 0 >got & listener=$!
while ! test -s addr; do sleep 0.02; done
port=$(sed s/.*:// addr)
nft add table inet t
nft add chain inet t c '{ type filter hook input priority 0; }'
nft add rule inet t c tcp dport $port counter drop

# Dropped, until the rule goes.
status 4 gcat -z --connect-timeout 0.1 127.0.0.1 $port
echo through | gcat --retry 60 --connect-timeout 0.1 127.0.0.1 $port & client=$!
while ! nft list chain inet t c | grep -qE 'packets ([3-9]|[1-9][0-9])'; do sleep 0.02; done
nft flush chain inet t c
wait $client
echo first done

# Unresolvable, until the name is there.
gcat -z --retry 60 --connect-timeout 0.1 late.test $port & client=$!
echo 127.0.0.1 late.test >>hosts
wait $client
echo second done

# A signal ends it at once.
gcat --retry 60 127.0.0.1 1 & client=$!
kill -TERM $client
wait $client && exit 1 || test $? -eq 143
kill $listener
wait $listener || true
cat got
`)
	wants(t, out, "first done\nsecond done\n", "through\n")
}

// A datagram that is lost is not the end of a scan, and routes that lead nowhere
// are told in the system's words.
func TestNamespaceRoutes(t *testing.T) {
	script.Peer(t, "nft")
	out := inNamespace(t, `
gcat -ulk --ready addr 127.0.0.1 0 >/dev/null <<END & listener=$!
pong
END
while ! test -s addr; do sleep 0.02; done
port=$(sed s/.*:// addr)
nft add table inet t
nft add chain inet t c '{ type filter hook input priority 0; }'
nft add rule inet t c udp dport $port numgen inc mod 2 0 drop
status 0 gcat -zu -w 3 127.0.0.1 $port
kill $listener

ip route add unreachable 10.8.0.0/24
ip route add prohibit 10.6.0.0/24
status 3 gcat 10.8.0.1 80 </dev/null
status 3 gcat 10.6.0.1 80 </dev/null
status 3 gcat 10.5.0.1 80 </dev/null
echo x | status 3 gcat -u 10.8.0.1 80
echo x | status 4 gcat -u -W 1 -w 0.2 10.9.0.77 80
status 4 gcat -z --interface near -w 0.2 127.0.0.1 80
`)
	wants(t, out, "gcat: connect to 10.8.0.1:80: no route to host", "gcat: connect to 10.6.0.1:80: permission denied",
		"gcat: connect to 10.5.0.1:80: network is unreachable", "no answer within 200ms")
}
