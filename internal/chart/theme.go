package chart

import (
	"fmt"
	"strings"
)

// A palette are the colours of one kind of surroundings. Those of lines have a
// contrast of 4.5 to 1 and more with the background, since names are written in them.
type palette struct {
	background, ink, muted, grid string
	colors                       [6]string // by Color
}

var (
	light = palette{"#ffffff", "#18202b", "#5a6576", "#e4e8ee",
		[6]string{"#18202b", "#2463d1", "#0b7a6f", "#a85b00", "#c52f2f", "#7446c9"}}
	dark = palette{"#11151b", "#e8ecf2", "#9aa6b6", "#28303b",
		[6]string{"#e8ecf2", "#74a9ff", "#45c8b7", "#f0a548", "#ff8078", "#b99bf5"}}
)

const font = `system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Liberation Sans",Arial,sans-serif`

// style is the sheet of a picture: what has no colour once, and both palettes.
func style() string {
	var b strings.Builder
	fmt.Fprintf(&b, ".chart text{font-family:%s;font-size:12px;font-variant-numeric:tabular-nums}", font)
	b.WriteString(".chart .t{font-size:13px;font-weight:600}.chart .s{font-size:11px}.chart .e{text-anchor:end}.chart .m{text-anchor:middle}" +
		".chart .l{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}.chart .f{stroke-opacity:.5}.chart .a{fill-opacity:.14}" +
		".chart .g{stroke-width:1;shape-rendering:crispEdges}.chart .d{stroke-width:1.2;stroke-dasharray:5 4}" +
		".chart .v{stroke-width:1;stroke-opacity:.5;stroke-dasharray:2 3}.chart .b{fill-opacity:.2;stroke-opacity:.75}" +
		".chart .n{stroke-width:3;stroke-linejoin:round;paint-order:stroke}.chart .h{fill:transparent}.chart .h:hover{fill:currentColor;fill-opacity:.07}")
	b.WriteString(light.rules())
	fmt.Fprintf(&b, "@media (prefers-color-scheme:dark){%s}", dark.rules())
	return b.String()
}

// line and text are the classes of what is drawn and written in a colour.
func (c Color) line() string { return fmt.Sprintf("l c%d", c) }
func (c Color) text() string { return fmt.Sprintf("s k%d", c) }

func (p palette) rules() string {
	var b strings.Builder
	fmt.Fprintf(&b, ".chart{color:%s}.chart .bg{fill:%s}.chart text{fill:%s}.chart .mu{fill:%s}.chart .g{stroke:%s}.chart .n{stroke:%s}",
		p.ink, p.background, p.ink, p.muted, p.grid, p.background)
	for i, c := range p.colors {
		fmt.Fprintf(&b, ".chart .c%d{stroke:%s}.chart .k%d{fill:%s}", i, c, i, c)
	}
	return b.String()
}
