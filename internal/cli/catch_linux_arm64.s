#include "textflag.h"

// handle is called by the kernel with the number of the signal in R0, on the
// thread's signal stack, in the middle of anything: it touches nothing of Go's but
// the two variables of catch_linux.go, and write(2) is safe in a signal handler
// (signal-safety(7)).
TEXT ·handle(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVD	$·caught(SB), R1
	ADD	R0<<2, R1
	MOVD	$1, R2
	MOVW	R2, (R1)
	MOVW	·event(SB), R0
	MOVD.W	R2, -16(RSP)	// the 1
	MOVD	RSP, R1
	MOVD	$8, R2
	MOVD	$64, R8	// write
	SVC
	ADD	$16, RSP
	RET

// restore is where handle returns to.
TEXT ·restore(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVD	$139, R8	// rt_sigreturn
	SVC
	UNDEF	// not reached

// func handlers() (handle, restore uintptr)
TEXT ·handlers(SB),NOSPLIT,$0-16
	MOVD	$·handle(SB), R0
	MOVD	R0, handle+0(FP)
	MOVD	$·restore(SB), R0
	MOVD	R0, restore+8(FP)
	RET
