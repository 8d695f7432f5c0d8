//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
)

// A reporter prints results: tables as they come, or one JSON object at the end.
type reporter struct {
	out  io.Writer
	json bool

	report jsonReport
}

type jsonReport struct {
	Conditions
	Cells []jsonCell `json:"cells"`
}

type jsonCell struct {
	Name         string    `json:"cell"`
	What         string    `json:"what"`
	Unit         string    `json:"unit"`
	LessIsBetter bool      `json:"less_is_better"`
	Rows         []jsonRow `json:"rows"`
	Best         string    `json:"best_peer,omitempty"`
	Ratio        float64   `json:"ratio,omitempty"` // ours to the best peer; above 1 is better
	Bounds       []Verdict `json:"bounds,omitempty"`
}

type jsonRow struct {
	Name   string    `json:"name"`
	Median float64   `json:"median"`
	Values []float64 `json:"values"`
	CPU    float64   `json:"cpu_s_per_gb,omitempty"`
	Peak   float64   `json:"peak_mib,omitempty"`
	Ratio  float64   `json:"ratio,omitempty"` // how many times better ours is
	Error  string    `json:"error,omitempty"`
}

// begin says under which conditions the figures were taken.
func (r *reporter) begin(c Conditions) {
	r.report.Conditions = c
	if r.json {
		return
	}
	fmt.Fprintf(r.out, "%s, built with %s, %s\n", c.Subject, c.Build, c.Go)
	fmt.Fprintf(r.out, "Linux %s, %d processors, load %s; network namespace: %s; congestion control: %s\n",
		c.Kernel, c.CPUs, c.Load, c.Namespace, c.Congestion)
	fmt.Fprintf(r.out, "medians of %d rounds, %d bytes each; a ratio above 1 is in our favour\n", c.Runs, c.Bytes)
}

// cell reports a cell.
func (r *reporter) cell(result Result) {
	c := flatten(result)
	if r.json {
		r.report.Cells = append(r.report.Cells, c)
		return
	}
	fmt.Fprintf(r.out, "\n%s: %s (%s)\n", c.Name, c.What, c.Unit)
	names := 0
	for _, row := range c.Rows {
		names = max(names, len(row.Name))
	}
	table := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "  %-*s\t%s\tCPU s/GB\tMiB\tratio\t\n", names, "", c.Unit)
	for _, row := range c.Rows {
		if row.Error != "" && len(row.Values) == 0 {
			fmt.Fprintf(table, "  %-*s\tfailed\t\t\t\t\n", names, row.Name)
			continue
		}
		fmt.Fprintf(table, "  %-*s\t%s\t%s\t%s\t%s\t\n", names, row.Name,
			figure(row.Median), figure(row.CPU), figure(row.Peak), figure(row.Ratio))
	}
	_ = table.Flush()
	r.remarks(c)
}

// remarks prints what belongs under a table: failures, and the bounds.
func (r *reporter) remarks(c jsonCell) {
	for _, row := range c.Rows {
		if row.Error != "" {
			fmt.Fprintf(r.out, "  %s: %s\n", row.Name, strings.TrimSpace(row.Error))
		}
	}
	if c.Best != "" {
		fmt.Fprintf(r.out, "  best peer: %s, ratio %s\n", c.Best, figure(c.Ratio))
	}
	for _, v := range c.Bounds {
		verdict := "holds"
		if !v.Holds {
			verdict = "DOES NOT HOLD"
		}
		fmt.Fprintf(r.out, "  bound: %s: %s, %s\n", v.Bound, figure(v.Found), verdict)
	}
}

// end prints the JSON object.
func (r *reporter) end() error {
	if !r.json {
		return nil
	}
	e := json.NewEncoder(r.out)
	e.SetIndent("", "  ")
	return e.Encode(r.report)
}

// flatten works a result out into the figures that are printed.
func flatten(result Result) jsonCell {
	cell := result.Cell
	c := jsonCell{Name: cell.Name, What: cell.What, Unit: cell.Unit, LessIsBetter: cell.LessIsBetter, Bounds: result.verdicts()}
	for i, row := range result.Rows {
		j := jsonRow{Name: row.Contender.Name, Median: row.over(value), CPU: row.over(cpu), Peak: row.over(peak), Values: []float64{}}
		for _, s := range row.Samples {
			j.Values = append(j.Values, s.Value)
		}
		if i > 0 {
			j.Ratio = cell.ratio(result.Rows[0], row)
		}
		if row.Err != nil {
			j.Error = row.Err.Error()
		}
		c.Rows = append(c.Rows, j)
	}
	if best, ok := result.best(false); ok {
		c.Best, c.Ratio = best.Contender.Name, cell.ratio(result.Rows[0], best)
	}
	return c
}

// figure is a number with three digits that count, or nothing for 0.
func figure(f float64) string {
	if f == 0 {
		return ""
	}
	digits := 2 - int(math.Floor(math.Log10(math.Abs(f))))
	return fmt.Sprintf("%.*f", max(0, min(digits, 3)), f)
}
