package conn

// msgTrunc is never set here: a read fails when a message does not fit.
const msgTrunc = 0
