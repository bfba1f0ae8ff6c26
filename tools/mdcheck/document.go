package main

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// document is what a Markdown file links to, and where it can be linked to.
type document struct {
	links   []link
	anchors map[string]bool
}

type link struct {
	line   int
	target string
}

func parseDocument(source []byte) (document, error) {
	root := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	doc := document{anchors: map[string]bool{}}
	err := ast.Walk(root, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			doc.collect(node, source)
		}
		return ast.WalkContinue, nil
	})
	return doc, err
}

func (d *document) collect(node ast.Node, source []byte) {
	switch node := node.(type) {
	case *ast.Link:
		d.addLink(node, node.Destination, source)
	case *ast.Image:
		d.addLink(node, node.Destination, source)
	case *ast.Heading:
		d.addAnchor(headingText(node, source))
	}
}

func (d *document) addLink(node ast.Node, target, source []byte) {
	line := 1 + bytes.Count(source[:max(node.Pos(), 0)], []byte("\n"))
	d.links = append(d.links, link{line: line, target: string(target)})
}

// addAnchor names a heading as GitHub does: a repeated one gets a number.
func (d *document) addAnchor(heading string) {
	base := slug(heading)
	name := base
	for n := 1; d.anchors[name]; n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	d.anchors[name] = true
}

func headingText(node ast.Node, source []byte) string {
	var b strings.Builder
	for child := node.FirstChild(); child != nil; child = child.NextSibling() {
		switch child := child.(type) {
		case *ast.Text:
			b.Write(child.Segment.Value(source))
		case *ast.String:
			b.Write(child.Value)
		default:
			b.WriteString(headingText(child, source))
		}
	}
	return b.String()
}

// slug lower-cases, turns spaces into hyphens and drops everything that is no letter, digit, hyphen or underscore.
func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		default:
			return -1
		}
	}, heading)
}
