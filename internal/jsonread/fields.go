package jsonread

import (
	"bytes"
	"time"
)

// Object lists the members from which a T is read. Reading is fastest if they stand in the order in
// which the server writes them.
type Object[T any] []Field[T]

// Field is a member of an object: its name, and how its value gets into a T.
type Field[T any] struct {
	Name string
	key  []byte                    // the name as servers write it, with quotes and colon
	read func(r *reader, value *T) // replaces what the field held before
}

func newField[T any](name string, read func(*reader, *T)) Field[T] {
	return Field[T]{Name: name, key: []byte(`"` + name + `":`), read: read}
}

// String is a field for a string; null is "".
func String[T any](name string, at func(*T) *string) Field[T] {
	return newField(name, func(r *reader, value *T) { *at(value) = r.string() })
}

// Recurring is a [String] whose values lists repeat, such as the name of a user. Equal values share
// their memory.
func Recurring[T any](name string, at func(*T) *string) Field[T] {
	return newField(name, func(r *reader, value *T) { *at(value) = r.recurring() })
}

// Strings is a field for an array of strings that recur like those of [Recurring]. null is nil, and
// {} an empty list, which Lua gateways write for one. A null among the strings is "".
func Strings[T any](name string, at func(*T) *[]string) Field[T] {
	return newField(name, func(r *reader, value *T) { *at(value) = r.strings() })
}

// Int is a field for a whole number; null is 0.
func Int[T any](name string, at func(*T) *int64) Field[T] {
	return newField(name, func(r *reader, value *T) { *at(value) = r.int() })
}

// Bool is a field for true or false; null is false.
func Bool[T any](name string, at func(*T) *bool) Field[T] {
	return newField(name, func(r *reader, value *T) { *at(value) = r.bool() })
}

// Time is a field for what [time.Time.UnmarshalText] reads; "" and null are the zero time.
func Time[T any](name string, at func(*T) *time.Time) Field[T] {
	return newField(name, func(r *reader, value *T) { *at(value) = r.time() })
}

// Raw is a field for a value of any type, as it is written. It is part of data.
func Raw[T any](name string, at func(*T) *[]byte) Field[T] {
	return newField(name, func(r *reader, value *T) {
		r.peek()
		start := r.pos
		if r.skip(); r.err == nil {
			*at(value) = r.data[start:r.pos]
		}
	})
}

// Pointer is a field for an object; null is nil.
func Pointer[T, U any](name string, object Object[U], at func(*T) **U) Field[T] {
	size := sizeOf[U]()
	return newField(name, func(r *reader, value *T) {
		var part *U
		switch b := r.peek(); {
		case b == 'n':
			r.literal("null")
		case b != '{':
			r.wrong(anObject)
		case r.take(size):
			part = new(U)
			object.read(r, part)
		}
		*at(value) = part
	})
}

// List is a field for an array of objects. It is never nil: null, {} and what is no array are an
// empty list.
func List[T, U any](name string, object Object[U], at func(*T) *[]U) Field[T] {
	return newField(name, func(r *reader, value *T) {
		list := []U{}
		r.array(func(start int) {
			if list = appendZero(r, list, start); r.err == nil {
				object.read(r, &list[len(list)-1])
			}
		})
		*at(value) = trim(list)
	})
}

// Embed returns the fields of object for a T of which a U is a part.
func Embed[T, U any](object Object[U], at func(*T) *U) Object[T] {
	fields := make(Object[T], 0, len(object))
	for _, f := range object {
		fields = append(fields, newField(f.Name, func(r *reader, value *T) { f.read(r, at(value)) }))
	}
	return fields
}

// OptionalPointer is a [Pointer] to what nobody needs: what cannot be read is nil and no [Problem].
func OptionalPointer[T, U any](name string, object Object[U], at func(*T) **U) Field[T] {
	f := Pointer(name, object, at)
	return newField(name, func(r *reader, value *T) {
		problems, failed := r.problems, r.failed
		f.read(r, value)
		if r.failed > failed {
			*at(value), r.problems, r.failed = nil, problems, failed
		}
	})
}

const anObject = "an object"

// read reads the object that comes next into value.
func (o Object[T]) read(r *reader, value *T) {
	if r.peek() != '{' {
		r.wrong(anObject)
		return
	}
	r.enter()
	next := 0
	for first := true; r.more(first, '}'); first = false {
		i := next
		if r.peek(); i < len(o) && bytes.HasPrefix(r.data[r.pos:], o[i].key) {
			r.pos += len(o[i].key)
		} else {
			i = o.find(r.key())
		}
		if i < 0 {
			r.skip()
			continue
		}
		known := len(r.problems)
		o[i].read(r, value)
		if len(r.problems) > known || r.err != nil {
			r.inside(o[i].Name, known)
		}
		next = i + 1
	}
}

// find returns the index of the field for key, or -1. Like encoding/json, it prefers the exact name
// to one that differs in case.
func (o Object[T]) find(key []byte) int {
	folded := -1
	for i := range o {
		if o[i].Name == string(key) {
			return i
		}
		if folded < 0 && bytes.EqualFold([]byte(o[i].Name), key) {
			folded = i
		}
	}
	return folded
}
