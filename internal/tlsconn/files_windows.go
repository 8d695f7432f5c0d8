package tlsconn

// unixModes says that a file's mode says which users can read it.
const unixModes = false
