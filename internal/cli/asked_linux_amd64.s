#include "textflag.h"

// The handler of a signal: write(asked, &one, 8). It has the thread's stack for
// signals to itself, and the kernel gives all registers back when it is over.
TEXT caught<>(SB), NOSPLIT|NOFRAME, $0
	MOVQ ·asked(SB), DI
	LEAQ ·one(SB), SI
	MOVQ $8, DX
	MOVQ $1, AX  // SYS_write
	SYSCALL
	RET

// What a handler returns to.
TEXT giveBack<>(SB), NOSPLIT|NOFRAME, $0
	MOVQ $15, AX // SYS_rt_sigreturn
	SYSCALL
	INT $3       // not reached

DATA ·caught(SB)/8, $caught<>(SB)
GLOBL ·caught(SB), RODATA, $8

DATA ·giveBack(SB)/8, $giveBack<>(SB)
GLOBL ·giveBack(SB), RODATA, $8
