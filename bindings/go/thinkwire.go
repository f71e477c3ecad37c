// Package thinkwire is a client for OpenAI-compatible chat APIs that streams a model's reasoning and
// its answer separately.
//
// It calls libthinkwire through cgo. thinkwire.h describes the C functions that the methods are named
// after. Objects are released by Close, or else when they are garbage.
package thinkwire

/*
#cgo pkg-config: thinkwire
#include <stdlib.h>
#include <thinkwire.h>
*/
import "C"

import (
	"runtime"
	"strings"
	"unsafe"
)

// Version is the version of the loaded library.
func Version() string { return C.GoString(C.tw_version()) }

// arguments are texts that are passed to C; free releases them.
type arguments []unsafe.Pointer

func (a *arguments) free() {
	for _, text := range *a {
		C.free(text)
	}
}

// text returns a text with a NUL at its end. C would cut a text that contains a NUL. In its place is
// one that every function rejects: a control character, followed by what is not UTF-8.
func (a *arguments) text(text string) *C.char {
	if strings.IndexByte(text, 0) >= 0 {
		text = "\x01\xFF"
	}
	copied := C.CString(text)
	*a = append(*a, unsafe.Pointer(copied))
	return copied
}

// optional returns nil for "".
func (a *arguments) optional(text string) *C.char {
	if text == "" {
		return nil
	}
	return a.text(text)
}

// bytes returns a copy of bytes whose length is passed as well; never nil.
func (a *arguments) bytes(bytes string) (*C.char, C.size_t) {
	copied := C.CString(bytes)
	*a = append(*a, unsafe.Pointer(copied))
	return copied, C.size_t(len(bytes))
}

// sized returns the text of a C function that also stores a length, and whether it is not NULL.
func sized(call func(length *C.size_t) *C.char) (string, bool) {
	var length C.size_t
	text := call(&length)
	if text == nil {
		return "", false
	}
	return C.GoStringN(text, C.int(length)), true
}

// failing calls a C function that leaves its reason in tw_last_error, which belongs to the thread.
func failing(call func() C.tw_status) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if status := call(); status != C.TW_OK {
		return &Error{Status: Status(status), Message: C.GoString(C.tw_last_error())}
	}
	return nil
}

func flag(yes bool) C.int {
	if yes {
		return 1
	}
	return 0
}
