// Package awscommand writes calls of the SDK as commands of the aws CLI, so that what a command
// of ours does can be read, and done by hand.
package awscommand

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"unicode"

	"flyball/internal/shellenv"
)

// Format returns the command for a call of an operation, such as "create-cluster", with the
// operation's input of the SDK. Members are told if they are set.
func Format(service, operation string, input any) string {
	words := []string{"aws", service, operation}
	v := reflect.Indirect(reflect.ValueOf(input))
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() || isEmpty(v.Field(i)) {
			continue
		}
		words = append(words, flag(field.Name, v.Field(i), lowered(service)))
	}
	return wrap(words)
}

// isEmpty reports whether a member says nothing.
func isEmpty(v reflect.Value) bool { return v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 }

// isPlain reports whether a member is a switch or a number that cannot be left out.
func isPlain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Bool, reflect.Int32, reflect.Int64, reflect.Float32, reflect.Float64:
		return true
	}
	return false
}

// lowered reports whether members of a service begin with small letters.
func lowered(service string) bool { return service == "ecs" }

// capital and word are where a word begins within the name of a member: at a capital behind a small letter, and at the last
// of several if small ones follow. They are those of botocore.xform_name, on which the CLI's flags are.
var (
	capital = regexp.MustCompile(`([a-z0-9])([A-Z])`)
	word    = regexp.MustCompile(`(.)([A-Z][a-z]+)`)
)

// flag is the flag for a member, with its value.
func flag(name string, v reflect.Value, lower bool) string {
	name = strings.ToLower(capital.ReplaceAllString(word.ReplaceAllString(name, "$1-$2"), "$1-$2"))
	v = reflect.Indirect(v)
	switch {
	case v.Kind() == reflect.Bool && !v.Bool():
		return "--no-" + name
	case v.Kind() == reflect.Bool:
		return "--" + name
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String:
		words := []string{"--" + name}
		for i := range v.Len() {
			words = append(words, shellenv.Word(v.Index(i).String()))
		}
		return strings.Join(words, " ")
	case v.Kind() == reflect.String:
		return "--" + name + " " + shellenv.Word(v.String())
	}
	var b bytes.Buffer
	write(&b, v, lower)
	return "--" + name + " " + shellenv.Word(b.String())
}

// write writes a value as JSON, with the names of the service's model and without what is not
// set; a switch or a number that is not a pointer is, since AWS wants to be told of it, such as enable and
// rollback of deploymentCircuitBreaker and hardLimit of ulimits. Where it does not, 0 and false are what it
// takes for what is left out, as for cpu of a container.
func write(b *bytes.Buffer, v reflect.Value, lower bool) {
	v = reflect.Indirect(v)
	switch v.Kind() {
	case reflect.Slice:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteString(", ")
			}
			write(b, v.Index(i), lower)
		}
		b.WriteByte(']')
	case reflect.Struct:
		b.WriteByte('{')
		separator := ""
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if !field.IsExported() || isEmpty(v.Field(i)) && !isPlain(field.Type) {
				continue
			}
			name := field.Name
			if lower {
				name = string(unicode.ToLower(rune(name[0]))) + name[1:]
			}
			fmt.Fprintf(b, "%s%q: ", separator, name)
			separator = ", "
			write(b, v.Field(i), lower)
		}
		b.WriteByte('}')
	default:
		e := json.NewEncoder(b)
		e.SetEscapeHTML(false)      // it is for a shell
		_ = e.Encode(v.Interface()) // strings and numbers
		b.Truncate(b.Len() - 1)     // the end of the line
	}
}

// width is about how long a line may be.
const width = 110

// wrap puts words into lines, of which a shell makes one.
func wrap(words []string) string {
	var b strings.Builder
	length := 0
	for i, word := range words {
		switch {
		case i == 0:
		case i > 2 && length+1+len(word) > width:
			b.WriteString(" \\\n    ")
			length = 4
		default:
			b.WriteByte(' ')
			length++
		}
		b.WriteString(word)
		length += len(word)
	}
	return b.String()
}
