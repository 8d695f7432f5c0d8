package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"gcat/internal/cli"
	"gcat/internal/echo"
)

// A service is what --service names.
type service struct {
	kind echo.Service
	size int64
}

var services = map[string]echo.Service{
	"echo": echo.Echo, "discard": echo.Discard, "chargen": echo.Chargen,
	"daytime": echo.Daytime, "time": echo.Time, "source": echo.Source,
}

func (s *service) UnmarshalText(text []byte) error {
	name, size, sized := strings.Cut(string(text), ":")
	kind, ok := services[name]
	if !ok || sized && kind != echo.Source {
		return fmt.Errorf("bad service %q: want echo, discard, chargen, daytime, time or source[:SIZE]", text)
	}
	s.kind, s.size = kind, 0
	if !sized {
		return nil
	}
	var err error
	s.size, err = cli.ParseSize(size)
	return err
}

// A delay is D, or D1-D2.
type delay struct{ min, max time.Duration }

func (d *delay) UnmarshalText(text []byte) error {
	low, high, ranged := string(text), "", false
	if i := strings.IndexByte(low[min(1, len(low)):], '-'); i >= 0 { // a minus in front is a sign
		low, high, ranged = low[:i+1], low[i+2:], true
	}
	var err error
	if d.min, err = cli.ParseDuration(low); err != nil {
		return err
	}
	d.max = d.min
	if ranged {
		if d.max, err = cli.ParseDuration(high); err != nil {
			return err
		}
	}
	if d.max >= d.min {
		return nil
	}
	if unit := strings.TrimLeft(high, "0123456789."); unit != "" && strings.Trim(low, "0123456789.") == "" {
		return fmt.Errorf("bad delay %q: %s means seconds; type %s%s-%s", text, low, low, unit, high)
	}
	if ranged {
		return fmt.Errorf("bad delay %q: the second is shorter than the first", text)
	}
	return nil
}

// A probability is a number from 0 to 1, or a percentage.
type probability float64

func (p *probability) UnmarshalText(text []byte) error {
	number, percent := strings.CutSuffix(string(text), "%")
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 1) {
		return fmt.Errorf("bad probability %q: want a number from 0 to 1, or a percentage", text)
	}
	*p = probability(v)
	return nil
}

// A point is a size at which something happens; 0 is at once.
type point struct {
	given bool
	bytes int64
}

func (p *point) UnmarshalText(text []byte) (err error) {
	p.given = true
	p.bytes, err = cli.ParseSize(string(text))
	return err
}
