package e2e

import "testing"

// What netem does to packets changes nothing but the time: 300,000 bytes go there
// and back through each of its faults, and are the same.
func TestGuestNetem(t *testing.T) {
	for _, fault := range []string{
		"loss 5%", "delay 20ms 10ms", "duplicate 20%", "delay 10ms reorder 25% 50%", "corrupt 2%",
	} {
		t.Run(fault, func(t *testing.T) {
			wants(t, guest(t, `
trap 'tc qdisc del dev lo root' EXIT
tc qdisc add dev lo root netem `+fault+`
gecho --once 127.0.0.1:0 >address & server=$!
until_ test -s address
head -c 300000 /dev/urandom >sent
gcat -w 25 $(cat address) <sent >back
wait $server
cmp sent back && echo the same
`), "the same")
		})
	}
}

// --mptcp on both sides makes a multipath connection, and what it carries is whole.
func TestGuestMPTCP(t *testing.T) {
	wants(t, guest(t, `
capable() { awk '/^MPTcpExt:/ { if (!n) { n = split($0, names); next } for (i = 2; i <= n; i++) if (names[i] == "MPCapableSYNACKRX") print $i }' /proc/net/netstat; }
before=$(capable)
gcat -l --mptcp --ready address 127.0.0.1 0 >received & listener=$!
until_ test -s address
seq 10000 | gcat --mptcp $(cat address)
wait $listener
seq 10000 | cmp - received && test $(capable) -gt $before && echo multipath
`), "multipath")
}
