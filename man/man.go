// Package man holds the manual pages, for --manual. A command links only the page
// that it names.
package man

import _ "embed"

// The pages, in mdoc(7), as they are in this directory.
var (
	//go:embed gcat.1
	Gcat string
	//go:embed gecho.1
	Gecho string
	//go:embed gpack.1
	Gpack string
)
