package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gcat/internal/testing/script"
	"gcat/internal/testing/wire"
)

// Real servers behind --to, and their own clients in front of it, as shell scripts on
// a host of its own. The server listens on port 7001; $forward, on port 7000, joins
// its clients to it. A is a file of some megabytes. served starts the server, ready
// ends with 0 once it answers, asked is the clients' work.
var forwarded = []struct {
	server, programs     string
	served, ready, asked string
	tls                  bool // the listener speaks TLS
}{
	{
		server: "redis", programs: "redis-server redis-cli redis-benchmark",
		served: `exec redis-server --port 7001 --bind 127.0.0.1 --save '' --dir "$PWD" >/dev/null`,
		ready:  `[ "$(redis-cli -p 7001 ping)" = PONG ]`,
		asked: `redis-cli -p 7000 -x set a <A >said && redis-cli -p 7000 --raw get a | head -c "$(wc -c <A)" | cmp - A
			redis-benchmark -p 7000 -c 50 -n 20000 -q -t set,get,lrange_100 >said
			redis-benchmark -p 7000 -c 10 -n 20000 -P 100 -q -t set >said`,
	},
	{
		server: "nginx with curl", programs: "nginx curl",
		served: `exec nginx -p "$PWD" -c "$PWD/nginx.conf" -e "$PWD/e" -g 'user root; daemon off; master_process off;'`,
		ready:  `curl -s -o said http://127.0.0.1:7001/A`,
		asked: `curl -sS --fail http://127.0.0.1:7000/A http://127.0.0.1:7000/A | cmp - AA
			curl -sS --fail -T A http://127.0.0.1:7000/put/B && cmp A put/B`,
	},
	{
		server: "nginx behind TLS", programs: "nginx curl openssl", tls: true,
		served: `exec nginx -p "$PWD" -c "$PWD/nginx.conf" -e "$PWD/e" -g 'user root; daemon off; master_process off;'`,
		ready:  `curl -s -o said http://127.0.0.1:7001/A`,
		asked: `curl -sS --fail --cacert cert https://127.0.0.1:7000/A https://127.0.0.1:7000/A | cmp - AA
			curl -sS --fail --cacert cert -T A https://127.0.0.1:7000/put/B && cmp A put/B
			printf 'GET /A HTTP/1.0\r\n\r\n' | openssl s_client -quiet -CAfile cert -verify_return_error -connect 127.0.0.1:7000 2>said |
				sed '1,/^\r*$/d' | cmp - A`,
	},
	{
		server: "git", programs: "git",
		served: `git init -q --bare r.git && exec git daemon --reuseaddr --export-all --enable=receive-pack --base-path="$PWD" --listen=127.0.0.1 --port=7001 2>/dev/null`,
		ready:  `git ls-remote git://127.0.0.1:7001/r.git 2>/dev/null`,
		asked: `git clone -q git://127.0.0.1:7000/r.git w 2>said; cp A w; cd w; git add A
			git -c user.name=a -c user.email=a@b commit -qm 'add A'; git push -q origin HEAD:main; cd ..
			git clone -q -b main git://127.0.0.1:7000/r.git v; cmp A v/A`,
	},
	{
		server: "ssh", programs: "sshd ssh ssh-keygen",
		served: `mkdir -p /run/sshd; exec "$(command -v sshd)" -D -q -p 7001 -h "$PWD/host" -o ListenAddress=127.0.0.1 -o AuthorizedKeysFile="$PWD/key.pub" \
			-o StrictModes=no -o UsePAM=no -o PidFile=none -o PermitRootLogin=yes`,
		ready: `ssh-keyscan -p 7001 127.0.0.1 2>/dev/null | grep -q .`,
		asked: `s="ssh -q -p 7000 -i key -F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=known 127.0.0.1"
			$s cat <A | cmp - A; $s 'cat >/dev/null; exit 7' <A || [ $? = 7 ]
			for i in 1 2 3 4 5; do $s "seq $i" </dev/null | cmp - <(seq $i) & pids="$pids $!"; done; for p in $pids; do wait $p; done`,
	},
	{
		server: "PostgreSQL", programs: "psql pgbench setpriv",
		served: `chmod 755 . ..; pg=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1); mkdir data; chown postgres data
			as="setpriv --reuid postgres --regid postgres --clear-groups"
			$as "$pg/initdb" -D data -A trust -N >/dev/null; exec $as "$pg/postgres" -D data -p 7001 -c fsync=off -c unix_socket_directories= >log 2>&1`,
		ready: `psql -qAt -h 127.0.0.1 -p 7001 -U postgres -c 'select 1' 2>/dev/null`,
		asked: `sql="psql -qAt -v ON_ERROR_STOP=1 -h 127.0.0.1 -p 7000 -U postgres"
			$sql -c 'create table a (n int)'; $sql -c '\copy a from A'; $sql -c 'select n from a order by n' | cmp - A
			pgbench -q -h 127.0.0.1 -p 7000 -U postgres -i -s 1 postgres >said 2>&1
			pgbench -h 127.0.0.1 -p 7000 -U postgres -c 8 -j 2 -t 50 -C postgres >said 2>&1; grep -q 'processed: 400/400' said`,
	},
}

// forwardedPrelude is what the scripts share. The forwarder has to be silent.
const forwardedPrelude = `
set -e; set -o pipefail; export LC_ALL=C HOME="$PWD"
until_ready() { for i in $(seq 600); do if ready >said; then return; fi; sleep 0.05; done; echo 'the server does not answer'; exit 1; }
mkdir logs put; chmod 755 .; cat A A >AA
cat >nginx.conf <<END
pid p; error_log e; events {}
http { access_log off; server { listen 127.0.0.1:7001; root $PWD; client_max_body_size 0;
	location /put/ { dav_methods PUT; client_body_temp_path $PWD/logs; } } }
END
if command -v openssl >/dev/null; then openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert -days 2 \
	-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>said; fi
if command -v ssh-keygen >/dev/null; then ssh-keygen -q -t ed25519 -N '' -f key; ssh-keygen -q -t ed25519 -N '' -f host; fi
`

// TestForwardedServers has real servers behind gcat and gecho, and their own clients
// and load generators in front.
func TestForwardedServers(t *testing.T) {
	t.Parallel()
	for _, tool := range []struct{ name, forward, tls string }{
		{"gcat", "gcat -lk --max-conns 200 --ready up --to 127.0.0.1:7001 127.0.0.1 7000 </dev/null", "-c --tls-cert cert --tls-key key.pem"},
		{"gecho", "gecho --to 127.0.0.1:7001 127.0.0.1:7000 >up", "-c --tls-cert cert --tls-key key.pem"},
	} {
		for _, row := range forwarded {
			t.Run(tool.name+" "+row.server, func(t *testing.T) {
				t.Parallel()
				if os.Getuid() != 0 {
					t.Skip("the servers are started as root")
				}
				for _, program := range strings.Fields(row.programs) {
					script.Peer(t, program)
				}
				dir := t.TempDir()
				if err := os.WriteFile(filepath.Join(dir, "A"), numbers(1_000_000), 0o600); err != nil {
					t.Fatal(err)
				}
				forward := tool.forward
				if row.tls {
					forward += " " + tool.tls
				}
				sh := exec.Command("bash", "-c", forwardedPrelude+"serve() { "+row.served+"\n}\nready() { "+row.ready+"\n}\n"+
					"serve & server=$!; until_ready\n"+forward+" 2>forward.err & forward=$!\n"+
					"trap 'kill $server $forward; wait' EXIT\nwhile ! [ -s up ]; do sleep 0.02; done\n"+row.asked+"\n! grep . forward.err\n")
				sh.Dir = dir
				sh.Env = append(os.Environ(), "PATH="+filepath.Dir(script.Path("gcat"))+":"+os.Getenv("PATH")+":/usr/sbin")
				if p := on(t, wire.NewHost(t), sh); p.status() != 0 {
					said, _ := os.ReadFile(filepath.Join(dir, "said"))
					t.Fatalf("status %d; it said %q and %q; the clients said %q", p.status(), p.out, p.err, said)
				}
			})
		}
	}
}
