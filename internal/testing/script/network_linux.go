package script

import (
	"os"
	"os/exec"
	"syscall"
)

// OwnNetwork gives cmd, a shell, a network of its own with nothing but the
// loopback, so that it may use fixed ports. Where that is not allowed it shares
// ours. The script must begin with [LoopbackUp].
func OwnNetwork(cmd *exec.Cmd) {
	if exec.Command("unshare", "--net", "true").Run() != nil {
		return
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	cmd.Env = append(os.Environ(), "OWN_NETWORK=1")
}

// LoopbackUp is the shell line that makes the loopback of [OwnNetwork] usable.
const LoopbackUp = "[ -z \"$OWN_NETWORK\" ] || ip link set lo up\n"
