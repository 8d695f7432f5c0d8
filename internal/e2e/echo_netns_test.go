//go:build linux

package e2e

import "testing"

// Beyond the loopback, no datagram peer of --to gets more bytes than it has sent,
// and no broadcast is forwarded: its source may be forged. --allow vouches for it.
func TestNamespaceToDatagrams(t *testing.T) {
	t.Parallel()
	inNamespace(t, `
serving() { gecho "$@" >up 2>log & until [ -s up ]; do sleep 0.02; done; rm up; }
logged() { until grep -q "$1" log; do sleep 0.02; done; }
serving --reply '{data}{data}' udp://127.0.0.1:7001
mv log target

serving --to udp://127.0.0.1:7001 udp://10.9.0.1:7002 udp://127.0.0.1:7002
{ printf ab; logged dropped; printf cd; } | gcat -u -W1 10.9.0.1 7002 >got
test "$(cat got)" = cdcd
grep -q 'gecho: connection 1 from 10.9.0.1:.*: answer dropped: beyond the loopback a peer gets no more bytes than it has sent (--allow)' log
test "$(printf ab | gcat -u -W1 127.0.0.1 7002)" = abab
{ for i in 1 2 3 4 5 6; do printf ab; sleep 0.05; done; } | gcat -u -W1 10.9.0.1 7002 >got
test $(grep -c dropped log) -eq 2

serving --to udp://127.0.0.1:7001 --allow 10.9.0.0/24 udp://10.9.0.1:7003
test "$(printf ab | gcat -u -W1 10.9.0.1 7003)" = abab

serving --to udp://127.0.0.1:7001 udp://:7004
test -z "$(printf ab | gcat -u -w 0.3 10.9.0.255 7004)"
logged 'datagram not answered: it was broadcast or multicast'
`)
}
