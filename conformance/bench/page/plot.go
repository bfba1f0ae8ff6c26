package main

import (
	"errors"
	"image/color"
	"os"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/xsky-storage/xms-client-go/conformance/bench"
)

// Colours that also people tell apart who do not see red and green, in the order of contestants.
var colours = []color.Color{
	color.RGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff}, color.RGBA{R: 0xd5, G: 0x5e, A: 0xff},
	color.RGBA{G: 0x9e, B: 0x73, A: 0xff}, color.Gray{Y: 0x99},
}

// drawPicture draws a panel for each version of Go.
func drawPicture(versions []bench.Results) error {
	const width, height = 14 * vg.Centimeter, 9 * vg.Centimeter
	panels := make([]*plot.Plot, len(versions))
	for i, results := range versions {
		var err error
		if panels[i], err = panel(results); err != nil {
			return err
		}
	}
	canvas := vgsvg.New(width*vg.Length(len(versions)), height)
	tiles := draw.Tiles{
		Rows: 1, Cols: len(versions), PadX: vg.Centimeter,
		PadTop: vg.Millimeter, PadBottom: vg.Millimeter, PadLeft: vg.Millimeter, PadRight: vg.Millimeter,
	}
	for i, part := range plot.Align([][]*plot.Plot{panels}, tiles, draw.New(canvas))[0] {
		panels[i].Draw(part)
	}
	file, err := os.Create(picture)
	if err != nil {
		return err
	}
	_, err = canvas.WriteTo(file)
	return errors.Join(err, file.Close())
}

// panel shows the ratios to std on a logarithmic scale, the clients side by side: a mark for the
// usual shape, and a line for the range of all shapes.
func panel(results bench.Results) (*plot.Plot, error) {
	plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"}
	p := plot.New()
	p.Title.Text = title(results.Go)
	p.Y.Label.Text = "processor time, ratio to std"
	p.Y.Scale, p.Y.Min, p.Y.Max = plot.LogScale{}, 0.2, 2
	var ticks plot.ConstantTicks
	for _, value := range []float64{0.2, 0.25, 0.33, 0.5, 0.7, 1, 1.4, 2} {
		ticks = append(ticks, plot.Tick{Value: value, Label: strconv.FormatFloat(value, 'f', -1, 64)})
	}
	p.Y.Tick.Marker = ticks
	p.Legend.Left, p.Legend.Padding = true, vg.Points(2)
	floor, err := plotter.NewLine(plotter.XYs{{X: -0.5, Y: 1}, {X: float64(len(names)) - 0.5, Y: 1}})
	if err != nil {
		return nil, err
	}
	p.Add(plotter.NewGrid(), floor)
	for i, contestant := range contestants {
		var marks spreads
		for x, name := range names {
			if r, ok := ratios(results, name, contestant.name); ok {
				marks = append(marks, mark{spread: r, x: float64(x) + 0.16*(float64(i)-1.5)})
			}
		}
		if len(marks) == 0 {
			continue
		}
		points, err := plotter.NewScatter(marks)
		if err != nil {
			return nil, err
		}
		points.GlyphStyle = draw.GlyphStyle{Color: colours[i], Radius: vg.Points(3.5), Shape: draw.CircleGlyph{}}
		ranges, err := plotter.NewYErrorBars(marks)
		if err != nil {
			return nil, err
		}
		ranges.Color, ranges.Width = colours[i], vg.Points(1.5)
		p.Add(ranges, points)
		p.Legend.Add(strings.ReplaceAll(contestant.title, "`", ""), points)
	}
	p.NominalX(names...)
	return p, nil
}

// mark is the spread of a client's ratios to one call, at its place.
type mark struct {
	spread
	x float64
}

// spreads is what gonum's plotters read.
type spreads []mark

func (s spreads) Len() int { return len(s) }

func (s spreads) XY(i int) (x, y float64) { return s[i].x, s[i].usual }

// YError returns how far the range of all shapes reaches below and above the usual one.
func (s spreads) YError(i int) (below, above float64) {
	if s[i].greatest == 0 { // there is no other shape
		return 0, 0
	}
	return max(0, s[i].usual-s[i].least), max(0, s[i].greatest-s[i].usual)
}
