package web

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// The backgrounds of text in the accent colour: the darkest of the light scheme and the lightest of
// the dark scheme.
var (
	lightSurface = rgb{0xf4, 0xf5, 0xf8}
	darkSurface  = rgb{0x20, 0x25, 0x30}
	white        = rgb{0xff, 0xff, 0xff}
	black        = rgb{0x0b, 0x0d, 0x12}
)

// minContrast is the contrast of small text, 4.5 in WCAG 2.2 (1.4.3), plus a margin for rounding.
const minContrast = 4.6

const defaultAccent = "#3457d5"

type rgb [3]uint8

var colourForm = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

func parseColour(text string) (rgb, error) {
	if !colourForm.MatchString(text) {
		return rgb{}, fmt.Errorf("web: accent %q is not a colour of the form #rrggbb", text)
	}
	n, err := strconv.ParseUint(text[1:], 16, 32)
	return rgb{uint8(n >> 16), uint8(n >> 8), uint8(n)}, err
}

func (c rgb) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// luminance is the relative luminance as WCAG 2.2 defines it.
func (c rgb) luminance() float64 {
	var lin [3]float64
	for i, v := range c {
		if s := float64(v) / 255; s <= 0.04045 {
			lin[i] = s / 12.92
		} else {
			lin[i] = math.Pow((s+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*lin[0] + 0.7152*lin[1] + 0.0722*lin[2]
}

func contrast(a, b rgb) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func (c rgb) mix(to rgb, share float64) rgb {
	for i := range c {
		c[i] = uint8(math.Round(float64(c[i]) + (float64(to[i])-float64(c[i]))*share))
	}
	return c
}

// readableOn mixes c with black or white, in steps, until text in that colour is readable on a
// surface.
func (c rgb) readableOn(surface, to rgb) rgb {
	for share := 0.0; share < 1; share += 0.05 {
		if moved := c.mix(to, share); contrast(moved, surface) >= minContrast {
			return moved
		}
	}
	return to
}

// textColour is the colour of text on c: black or white.
func (c rgb) textColour() rgb {
	if contrast(white, c) >= minContrast {
		return white
	}
	return black
}

// accentStyle returns the CSS variables of the accent colour for both schemes. Each is readable,
// whatever colour the configuration names.
func accentStyle(accent string) (string, error) {
	if accent == "" {
		accent = defaultAccent
	}
	c, err := parseColour(accent)
	if err != nil {
		return "", err
	}
	light := c.readableOn(lightSurface, black)
	dark := c.readableOn(darkSurface, white)
	const form = ":root{--accent:%s;--on-accent:%s;--accent-ink:%s}"
	return fmt.Sprintf(form, light, light.textColour(), light) + "@media(prefers-color-scheme:dark){" + fmt.Sprintf(form, dark, dark.textColour(), dark) + "}", nil
}
