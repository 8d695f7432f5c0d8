#include "textflag.h"

// handle is called by the kernel with the number of the signal in DI, on the
// thread's signal stack, in the middle of anything: it touches nothing of Go's but
// the two variables of catch_linux.go, and write(2) is safe in a signal handler
// (signal-safety(7)).
TEXT ·handle(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVL	DI, AX
	LEAQ	·caught(SB), CX
	MOVL	$1, (CX)(AX*4)
	MOVL	·event(SB), DI
	PUSHQ	$1
	MOVQ	SP, SI
	MOVL	$8, DX
	MOVL	$1, AX	// write
	SYSCALL
	POPQ	DI
	RET

// restore is where handle returns to.
TEXT ·restore(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVL	$15, AX	// rt_sigreturn
	SYSCALL
	INT	$3	// not reached

// func handlers() (handle, restore uintptr)
TEXT ·handlers(SB),NOSPLIT,$0-16
	LEAQ	·handle(SB), AX
	MOVQ	AX, handle+0(FP)
	LEAQ	·restore(SB), AX
	MOVQ	AX, restore+8(FP)
	RET
