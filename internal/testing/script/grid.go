package script

import "strings"

// Rows is what a screen of so many columns shows after all of text was written
// to it, with _ for the cursor. It knows the sequences that a line editor uses.
func Rows(text string, cols int) []string {
	g := grid{cols: cols, rows: [][]rune{nil}}
	for rest := []rune(text); len(rest) > 0; {
		rest = rest[g.take(rest):]
	}
	g.at(g.x)
	row := g.rows[g.y]
	g.rows[g.y] = append(row[:g.x:g.x], append([]rune{'_'}, row[g.x:]...)...)
	var lines []string
	for _, r := range g.rows {
		lines = append(lines, strings.TrimRight(string(r), " "))
	}
	return lines
}

// A grid is a screen's memory.
type grid struct {
	cols, x, y int
	rows       [][]rune
}

// at makes sure that the cursor's row is there and wide enough.
func (g *grid) at(width int) {
	for len(g.rows) <= g.y {
		g.rows = append(g.rows, nil)
	}
	for len(g.rows[g.y]) < width {
		g.rows[g.y] = append(g.rows[g.y], ' ')
	}
}

// take obeys the first character or sequence of text, and returns its length.
func (g *grid) take(text []rune) int {
	switch c := text[0]; c {
	case '\r':
		g.x = 0
	case '\n':
		g.y++
		g.at(0)
	case '\x1b':
		return g.sequence(text)
	default:
		if g.x == g.cols {
			g.x, g.y = 0, g.y+1
		}
		g.at(g.x + 1)
		g.rows[g.y][g.x] = c
		g.x++
	}
	return 1
}

func (g *grid) sequence(text []rune) int {
	i := 1
	if len(text) > 1 && text[1] == '[' {
		i++
	}
	n := 0
	for ; i < len(text) && text[i] >= '0' && text[i] <= '9'; i++ {
		n = n*10 + int(text[i]-'0')
	}
	if i >= len(text) {
		return len(text) // the rest is still to come
	}
	n = max(n, 1)
	switch text[i] {
	case 'A':
		g.y = max(0, g.y-n)
	case 'B':
		g.y += n
	case 'C':
		g.x += n
	case 'D':
		g.x = max(0, min(g.x, g.cols-1)-n)
	case 'K':
		g.at(0)
		g.rows[g.y] = g.rows[g.y][:min(len(g.rows[g.y]), g.x)]
	}
	g.at(0)
	return i + 1
}
