package main

import (
	"errors"
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

func (s *service) UnmarshalText(text []byte) (err error) {
	name, size, sized := strings.Cut(string(text), ":")
	kind, ok := services[name]
	if !ok || sized && kind != echo.Source {
		return fmt.Errorf("bad service %q: want echo, discard, chargen, daytime, time or source[:SIZE]", text)
	}
	*s = service{kind: kind}
	if sized {
		s.size, err = cli.ParseSize(size)
	}
	return err
}

// A delay is D or D1-D2, or several of them with weights: 10ms:90,1s-2s:10.
type delay []echo.Delay

func (d *delay) UnmarshalText(text []byte) error {
	*d = nil // if the option is repeated, the last one counts
	for one := range strings.SplitSeq(string(text), ",") {
		span, weight, weighted := strings.Cut(one, ":")
		e, err := parseDelay(span)
		if err != nil {
			return err
		}
		e.Weight = 1
		if weighted {
			if e.Weight, err = strconv.ParseFloat(weight, 64); err != nil || !(e.Weight > 0 && e.Weight <= 1e9) {
				return fmt.Errorf("bad weight %q of a delay: want a number above 0, at most 1e9", weight)
			}
		}
		*d = append(*d, e)
	}
	return nil
}

func parseDelay(text string) (d echo.Delay, err error) {
	sign := min(1, len(text)) // a minus in front is a sign
	low, high, ranged := strings.Cut(text[sign:], "-")
	if low = text[:sign] + low; !ranged {
		high = low
	}
	if d.Min, err = cli.ParseDuration(low); err != nil {
		return d, err
	}
	if d.Max, err = cli.ParseDuration(high); err != nil {
		return d, err
	}
	switch unit := strings.TrimLeft(high, "0123456789."); {
	case d.Min < 0:
		return d, errors.New("it must not be negative")
	case d.Max >= d.Min:
		return d, nil
	case unit != "" && strings.Trim(low, "0123456789.") == "":
		return d, fmt.Errorf("bad delay %q: %s means seconds; type %s%s-%s", text, low, low, unit, high)
	}
	return d, fmt.Errorf("bad delay %q: the second is shorter than the first", text)
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

// A point is when a fault applies: after a number of bytes or, with a unit of time,
// after the connection has lasted that long; 0 is at once.
type point struct {
	bytes int64
	time  time.Duration
}

func (p *point) UnmarshalText(text []byte) error {
	*p = point{}
	word := string(text)
	size, sizeErr := cli.ParseSize(word)
	d, timeErr := cli.ParseDuration(word)
	switch unitless := strings.Trim(word, "-.0123456789") == ""; {
	case sizeErr == nil && timeErr == nil && !unitless:
		return fmt.Errorf("bad point %q: type %s for bytes or %v for a duration", text, strings.ToUpper(word), d)
	case sizeErr == nil:
		p.bytes = size
	case timeErr == nil && !unitless && d >= 0:
		p.time = d
	default:
		return fmt.Errorf("bad point %q: want bytes (4096, 64K) or a duration with its unit (500ms, 2s)", text)
	}
	return nil
}
