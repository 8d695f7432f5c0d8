package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// guest runs a shell script on the kernel of .ci/guest, which has CAN and vsock, in
// an empty directory with the binaries on the PATH, and returns what it prints. The
// script fails at its first command that does. Elsewhere the test is skipped.
func guest(t *testing.T, text string) string {
	t.Helper()
	if os.Getenv("GCAT_GUEST") == "" {
		t.Skip("it needs a kernel of its own: .ci/guest")
	}
	const setUp = `
set -eu
trap 'jobs -p >jobs; for p in $(cat jobs); do kill $p 2>/dev/null || true; done' EXIT
status() { want=$1; shift; "$@" && s=0 || s=$?; test $s -eq $want || { echo "status $s, want $want: $*"; exit 1; }; }
# until CMD...: waits for it to succeed.
until_() { i=0; while ! "$@" >/dev/null 2>&1; do sleep 0.05; i=$((i+1)); test $i -lt 400 || { echo "never: $*"; exit 1; }; done; }
# hears INTERFACE: how many receivers there are on it.
hears() { cat /proc/net/can/rcvlist_* | grep -c " *$1 " || true; }
# sized N FILE: it has N bytes.
sized() { test "$(wc -c <"$2")" -eq "$1"; }
# more N INTERFACE: there are more than N receivers.
more() { test "$(hears $2)" -gt $1; }
`
	cmd := exec.Command("sh", "-c", setUp+text)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(script.Path("gcat"))+":"+os.Getenv("PATH"))
	cmd.WaitDelay = time.Second
	out := new(strings.Builder)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(60*time.Second, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out.String()
}

// Raw frames against can-utils and Python, both ways, composed with gpack.
func TestGuestCAN(t *testing.T) {
	out := guest(t, `
n=$(hears vcan0); candump -n 2 vcan0 >dumped & dump=$!
until_ more $n vcan0
gpack '=IB3x8s' 0x123 2 '\xde\xad' | gcat -w0 can://vcan0
gpack '=IB3x8s' 0x92345678 1 '\x01' | gcat -w0 can://vcan0
wait $dump; cat dumped

n=$(hears vcan0); gcat -d -W2 can://vcan0,123:7ff,#FFFFFFFF >frames & reader=$!
until_ more $n vcan0
cansend vcan0 124#0102; cansend vcan0 123#0102; cansend vcan0 123#030405
wait $reader; gpack -dj '=I:id:B:len:3x{hex8}:data:' <frames

python3 - >python <<'END' & python=$!
import socket, struct
s = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
s.bind(("vcan0",))
print("bound", flush=True)
id, n, data = struct.unpack("=IB3x8s", s.recv(16))
print(hex(id), data[:n], flush=True)
s.send(struct.pack("=IB3x8s", 0x321, 4, b"back"))
END
until_ grep bound python
gpack '=IB3x8s' 0x123 2 hi | status 5 gcat -w0 can://any
gpack '=IB3x8s' 0x123 2 hi | gcat -W1 -w20 can://vcan0 | gpack -d '=IB3x8s'
wait $python; cat python
`)
	wants(t, out, "123   [2]  DE AD", "12345678   [1]  01",
		`{"id":291,"len":2,"data":"0102000000000000"}`, `{"id":291,"len":3,"data":"0304050000000000"}`,
		"801\t4\tback", `0x123 b'hi'`)
}

// FD frames and classic ones on one socket: the flag tells them apart, both ways.
func TestGuestCANFD(t *testing.T) {
	out := guest(t, `
n=$(hears vcan0); gcat -d -W3 canfd://vcan0 >frames & reader=$!
until_ more $n vcan0
cansend vcan0 '123##1010203'; cansend vcan0 123#0506; cansend vcan0 "124##0$(printf %0128d 7)"
wait $reader; gpack -d '=IBB2x64x' <frames
n=$(hears vcan0); candump -n 3 vcan0 >dumped & dump=$!
until_ more $n vcan0
gcat -w0 canfd://vcan0 <frames
wait $dump; cat dumped

cat >fd.py <<'END'
import socket, struct
s = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
s.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FD_FRAMES, 1)
s.bind(("vcan0",))
print("bound", flush=True)
for i in range(3):
    frame = s.recv(72)
    id, n, flags, data = struct.unpack_from("=IBB2x8s", frame)
    print(len(frame), hex(id), n, data[:min(n, 8)], flush=True)
    s.send(frame)
END
python3 fd.py >python & python=$!
until_ grep bound python
gcat -W3 -w20 canfd://vcan0 <frames | cmp - frames
wait $python; cat python
`)
	wants(t, out, `72 0x123 3 b'\x01\x02\x03'`, `16 0x123 2 b'\x05\x06'`, "72 0x124 64 b", "291\t3\t5\n291\t2\t0\n292\t64\t4\n", "123  [03]  01 02 03", "123   [2]  05 06", "124  [64]  00 00")
}

// PDUs of one frame and of many against can-utils, Python and gcat itself, both
// ways; one that no process takes is not called sent.
func TestGuestISOTP(t *testing.T) {
	out := guest(t, `
isotprecv -s 7e8 -d 7e0 vcan0 >received & receiver=$!
until_ more 0 vcan0
head -c 200 /dev/zero | gcat -w0 isotp://vcan0:7e0:7e8
wait $receiver; tr ' ' '\n' <received | grep -c 00

gcat -l -W1 isotp://vcan0:7e0:7e8 >received & listener=$!
until_ more 0 vcan0
echo 11 22 33 44 55 66 77 88 99 aa | isotpsend -s 7e0 -d 7e8 vcan0
wait $listener; od -An -tx1 <received | tr -d ' \n'; echo

python3 - >python <<'END' & python=$!
import socket
s = socket.socket(socket.AF_CAN, socket.SOCK_DGRAM, socket.CAN_ISOTP)
s.bind(("vcan0", 0x7e0, 0x7e8))
print("bound", flush=True)
s.send(s.recv(5000)[::-1])
END
until_ grep bound python
seq 600 >numbers
gcat -W1 -w20 isotp://vcan0:7e0:7e8 <numbers >back
wait $python; wc -c <back

mkfifo answers; gcat -l -W1 -Q30 isotp://vcan0:18DA10F1:18DAF110 <answers >question & listener=$!
exec 3>answers
until_ more 0 vcan0
gcat -W1 -w20 isotp://vcan0:18DA10F1:18DAF110 <numbers >answer & client=$!
until_ cmp numbers question
echo this >&3; exec 3>&-
wait $client; cat answer; wait $listener

echo 0123456789 | status 5 gcat -W1 -w5 isotp://vcan0:7e0:7e8
`)
	wants(t, out, "200\n", "112233445566778899aa", "2292\n", "this\n", "communication error on send")
}

// A peer that takes its time does not delay the end, and the end is no success.
func TestGuestISOTPSlow(t *testing.T) {
	out := guest(t, `
head -c 600 /dev/zero >pdu
# slow FROM TO: receives a PDU as slowly as a peer may, a frame in 127 ms.
slow() { isotprecv -s $1 -d $2 -m 7f vcan0 >received & receiver=$!; until_ more 1 vcan0; candump vcan0 >frames & dump=$!; until_ more 2 vcan0; }
# unfinished: the PDU was cut short.
unfinished() { kill $receiver; sized 0 received; kill $dump; wait $receiver $dump || true; }
sending() { test $(wc -l <frames) -gt 3; }

slow 7e8 7e0
status 4 gcat --deadline 300ms -w0 isotp://vcan0:7e0:7e8 <pdu
unfinished
slow 7e8 7e0
gcat -w0 isotp://vcan0:7e0:7e8 <pdu & client=$!
until_ sending
kill $client; status 143 wait $client
unfinished
{ candump -n 1 vcan0,7e0:7ff; cansend vcan0 7e8#320000; } >frames & peer=$!
until_ more 0 vcan0
status 5 gcat -w0 isotp://vcan0:7e0:7e8 <pdu
wait $peer
slow 7e0 7e8
gecho --grace 300ms --reply "$(tr '\0' x <pdu)" isotp://vcan0:7e0:7e8 >address & server=$!
until_ grep isotp address
cansend vcan0 7e0#0178
until_ sending
kill $server; wait $server
unfinished
`)
	wants(t, out, "the run took longer than 300ms (deadline)", "had not received all of it", "the peer has no room for a PDU of that length")
}

// Messages to an address and to all, from both sides, and from Python.
func TestGuestJ1939(t *testing.T) {
	out := guest(t, `
mkfifo answers; gcat -lv -W1 -Q30 j1939://vcan0:20,12300 <answers >question 2>log & listener=$!
exec 3>answers
until_ grep listening log
echo question | gcat -W1 -w20 -s 80,12300 j1939://vcan0:20,12300 >answer & client=$!
until_ grep question question
echo answer >&3; exec 3>&-
wait $client; cat answer log; wait $listener

gcat -l -v -W2 j1939://vcan0:20 >heard 2>log & listener=$!
until_ grep listening log
echo to all | gcat -w0 -s 80 j1939://vcan0:ff,12300
python3 - <<'END'
import socket
s = socket.socket(socket.AF_CAN, socket.SOCK_DGRAM, socket.CAN_J1939)
s.bind(("vcan0", socket.J1939_NO_NAME, socket.J1939_NO_PGN, 0x80))
s.sendto(b"python\n", ("vcan0", socket.J1939_NO_NAME, 0x12300, 0x20))
END
wait $listener; cat heard
echo x | status 3 gcat -w0 j1939://vcan0:20,12300
echo x | status 3 gcat -w0 -s 80,0,1122334455667788 j1939://vcan0:20,12300 2>named
status 1 grep hint named
`)
	wants(t, out, "answer\n", "accepted j1939://vcan0:80,12300", "to all\n", "python\n", "hint: type gcat -s ADDR j1939://vcan0:20,12300")
}

// Messages of many frames against testj1939 and gcat itself, to an address and to all,
// of the longer transport protocol as well; one that no process takes is not called
// sent.
func TestGuestJ1939Long(t *testing.T) {
	out := guest(t, `
gcat -lkv -W3 j1939://vcan0:20 >heard 2>log & listener=$!
until_ grep listening log
testj1939 -s108 vcan0:0x80 vcan0:0x20,0x12300
until_ sized 108 heard
testj1939 -B -s50 vcan0:0x80 vcan0:0xff,0x0fe00
until_ sized 158 heard
seq 2000 | gcat -w0 -s 80 j1939://vcan0:20,12300
wait $listener
tail -c +159 heard | cmp - <<END
$(seq 2000)
END
grep accepted log

n=$(hears vcan0); stdbuf -o0 testj1939 -r vcan0:0x20,0x12300 >heard & receiver=$!
until_ more $n vcan0
seq 30 | gcat -w0 -s 80 j1939://vcan0:20,12300
until_ grep 00050 heard
kill $receiver; cat heard

seq 30 | status 5 gcat -w5 -s 80 j1939://vcan0:21,12300
`)
	wants(t, out, "accepted j1939://vcan0:80,12300", "accepted j1939://vcan0:80,0fe00", "80 12300: 31 0a 32 0a", "00050     0a\n", "no route to host")
}

// gecho answers as a control unit does, and refuses the bus itself.
func TestGuestGecho(t *testing.T) {
	out := guest(t, `
gecho isotp://vcan0:7e0:7e8 j1939://vcan0:20,12300 >addresses & server=$!
until_ grep j1939 addresses
cat addresses
seq 600 >numbers
gcat -W1 -w20 isotp://vcan0:7e0:7e8 <numbers | cmp - numbers
echo question | gcat -W1 -w20 -s 80,12300 j1939://vcan0:20,12300
kill $server; wait $server || true
status 2 gecho can://vcan0
status 2 gecho canfd://vcan0

# An interface may be down for a time; without it the endpoint ends.
ip link add dev vcan7 type vcan; ip link set vcan7 up
gecho isotp://vcan7:7e0:7e8 j1939://vcan7:20,12300 >addresses 2>errors & server=$!
until_ grep j1939 addresses
ip link set vcan7 down
until_ sized 115 errors
ip link set vcan7 up
echo back | gcat -W1 -w20 isotp://vcan7:7e0:7e8
ip link del vcan7
status 5 wait $server
cat errors; wc -l <errors
`)
	wants(t, out, "isotp://vcan7:7e0:7e8: network is down\n", "back\n", "isotp://vcan7:7e0:7e8: no such device\n", "j1939://vcan7:20,12300: no such device\n", "gecho: no endpoint is left\n5\n", "isotp://vcan0:7e0:7e8\n", "j1939://vcan0:20,12300\n", "question\n", "would never end")
}

// The broadcast manager takes a struct bcm_msg_head, and gives what it hears.
func TestGuestCANBCM(t *testing.T) {
	out := guest(t, `
n=$(hears vcan0); candump -n 1 vcan0 >dumped & dump=$!
until_ more $n vcan0
gpack '@IIIqqqqII0q IB3x8s' 4 0 0 0 0 0 0 0x123 1 0x123 3 abc | gcat -w0 canbcm://vcan0
wait $dump; cat dumped
n=$(hears vcan0); gpack '@IIIqqqqII0q' 5 0x20 0 0 0 0 0 0x321 0 | gcat -W1 -w20 canbcm://vcan0 >changed & client=$!
until_ more $n vcan0
cansend vcan0 321#0a0b
wait $client; gpack -d '@56x {hex16}' <changed | tail -c 40

cat >bcm.py <<'END'
import socket, struct
s = socket.socket(socket.AF_CAN, socket.SOCK_DGRAM, socket.CAN_BCM)
s.connect(("vcan0",))
s.send(struct.pack("@IIIqqqqII0q", 5, 0x20, 0, 0, 0, 0, 0, 0x222, 0)) # RX_SETUP, RX_FILTER_ID
print("set up", flush=True)
print(s.recv(1000)[56:].hex(), flush=True)
s.send(struct.pack("@IIIqqqqII0qIB3x8s", 4, 0, 0, 0, 0, 0, 0, 0x444, 1, 0x444, 2, b"hi")) # TX_SEND
END
python3 bcm.py >python & python=$!
until_ grep set python
n=$(hears vcan0); candump -n 2 vcan0 >dumped & dump=$!
until_ more $n vcan0
gpack '@IIIqqqqII0q IB3x8s' 4 0 0 0 0 0 0 0x222 1 0x222 3 def | gcat -w0 canbcm://vcan0
wait $python $dump; cat python dumped
`)
	wants(t, out, "123   [3]  61 62 63", "21030000020000000a0b",
		"22020000030000006465660000000000\n", "444   [2]  68 69")
}

// What is wrong is said, with the status of its kind; a frame that our own buffer
// had no room for is no success.
func TestGuestCANFaults(t *testing.T) {
	out := guest(t, `
status 3 gcat can://nope </dev/null
ip link add dev vcan9 type vcan
status 5 gcat -d -w5 can://vcan9
head -c 16 /dev/zero | status 5 gcat -w0 can://vcan9
status 5 gcat -s 80 j1939://vcan9:20 </dev/null
status 3 gcat can://lo </dev/null
gpack '=IB11x' 1 9 | status 1 gcat -w0 can://vcan0
printf abc | status 1 gcat -w0 can://vcan0
n=$(hears vcan0); gcat -d -w1 --rcvbuf 4K can://vcan0 >frames & reader=$!
until_ more $n vcan0
kill -STOP $reader
head -c 16000 /dev/zero | gcat -w0 can://vcan0
kill -CONT $reader
status 5 wait $reader
wc -c <frames

tc qdisc add dev vcan1 root netem limit 5 delay 2ms
n=$(hears vcan1); gcat -d -W300 -w20 can://vcan1 >frames & reader=$!
until_ more $n vcan1
for i in $(seq 300); do echo "$i 0"; done | gpack '=IB11x' | gcat -w0 can://vcan1
wait $reader
gpack -d '=I12x' <frames | cmp - <<END
$(seq 300)
END
echo all of them
`)
	wants(t, out, `connect to can://nope: no such interface: "nope"`, "connect to j1939://vcan9:20: network is down",
		`connect to can://lo: "lo" is no CAN interface`, "a CAN frame has at most 8 bytes of data, not 9", "idle limit", "receive from can://vcan9 after 0 bytes: network is down",
		"3 bytes are no CAN frame, which has 16", "frames dropped, the receive buffer was full (--rcvbuf)", "all of them")
}

// Streams between two gcats, with half-closes both ways, and addresses that can be
// typed back.
func TestGuestVsock(t *testing.T) {
	out := guest(t, `
seq 100000 >numbers
gcat -lv --ready addr vsock://:7007 <numbers >heard 2>log & listener=$!
until_ test -s addr
tac numbers | gcat -v "$(cat addr)" >answer 2>client
wait $listener
cmp answer numbers && tac heard | cmp - numbers
cat log client
gecho --count 1 vsock://:7008 & server=$!
echo echoed | gcat --retry 20 vsock://1:7008
wait $server
status 3 gcat vsock://1:9 </dev/null
gecho --suffix ' back' vsock://:7010 >/dev/null & server=$!
gcat -l --to vsock://1:7010 --retry 20 127.0.0.1 7011 & there=$!
printf 'there and' | gcat --retry 20 127.0.0.1 7011; echo
wait $there
gcat -l --to 127.0.0.1:7013 --retry 20 vsock://:7012 & back=$!
gecho --to vsock://1:7010 7013 >/dev/null & faults=$!
printf 'back and' | gcat --retry 20 vsock://1:7012; echo
wait $back
kill $server $faults
`)
	wants(t, out, "there and back\n", "back and back\n", "listening on vsock://1:7007\n", "accepted vsock://1:", "connected to vsock://1:7007\n", "echoed\n",
		"connect to vsock://1:9: connection refused\n")
}
