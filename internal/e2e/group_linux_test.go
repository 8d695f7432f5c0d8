package e2e

import "testing"

// A listener on a multicast group joins it, beside others on the same port, and
// prints the group as its address. What answers a question to a group or to a
// broadcast address answers from its own address, and is heard.
func TestNamespaceGroups(t *testing.T) {
	out := inNamespace(t, `
ip route add 224.0.0.0/4 dev near
for where in 239.1.2.3 ff15::42 0.0.0.0; do
	case $where in 0.0.0.0) to=10.9.0.255 ;; *) to=$where ;; esac
	rm -f addr
	echo answer | gcat -lu -W1 -Q30 --interface near --ready addr $where 0 >heard & listener=$!
	while ! test -s addr; do sleep 0.02; done
	port=$(sed s/.*:// addr)
	case $where in 0.0.0.0) ;; *) grep -F "$where" addr ;; esac
	test "$(echo question | gcat -u -W1 -w10 --interface near $to $port)" = answer
	wait $listener
	test "$(cat heard)" = question
done

gcat -lu -W1 --ready first --interface near 239.1.2.3 0 & one=$!
while ! test -s first; do sleep 0.02; done
gcat -lu -W1 --ready second $(cat first) & two=$!
while ! test -s second; do sleep 0.02; done
echo to both | gcat -u -w0 --ttl 3 $(cat first)
wait $one $two

ip route del 224.0.0.0/4
status 3 gcat -lu 239.1.2.3 5007
status 3 gcat -lu --interface nope 239.1.2.3 5007
`)
	wants(t, out, "239.1.2.3:", "[ff15::42]:", "to both\nto both\n",
		"listen on udp://239.1.2.3:5007: join the group on the interface of its route: no such device",
		`bind to interface "nope": no such device`)
}
