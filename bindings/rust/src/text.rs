//! Texts that cross the boundary to C.

use crate::ffi;
use std::ffi::{CStr, CString};
use std::os::raw::c_char;
use std::ptr;

/// A text as an argument. C would cut a text that contains a NUL. In its place is one that every
/// function rejects: a control character, followed by what is not UTF-8.
pub fn argument(text: &str) -> CString {
    CString::new(text).unwrap_or_else(|_| CString::new(b"\x01\xFF".to_vec()).unwrap())
}

/// An argument that may be NULL. The pointer is valid as long as the text.
pub fn optional(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(ptr::null(), |text| text.as_ptr())
}

/// The text that ends in a NUL.
///
/// # Safety
/// `text` is not NULL, and is valid for the lifetime that the caller chooses.
pub unsafe fn string<'a>(text: *const c_char) -> &'a str {
    utf8(CStr::from_ptr(text).to_bytes())
}

/// The result of a function that also stores a length; None for NULL.
///
/// # Safety
/// The result is valid for the lifetime that the caller chooses.
pub unsafe fn bytes<'a>(call: impl FnOnce(*mut usize) -> *const c_char) -> Option<&'a [u8]> {
    let mut len = 0;
    let text = call(&mut len);
    (!text.is_null()).then(|| std::slice::from_raw_parts(text.cast(), len))
}

/// As `bytes`, for text of which the header guarantees that it is UTF-8.
///
/// # Safety
/// As for `bytes`.
pub unsafe fn sized<'a>(call: impl FnOnce(*mut usize) -> *const c_char) -> Option<&'a str> {
    bytes(call).map(utf8)
}

pub fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("the library's texts are UTF-8")
}

/// Why the last call on this thread has failed.
pub fn last_error() -> String {
    // Borrowed until the next failed call on this thread.
    unsafe { string(ffi::tw_last_error()) }.to_owned()
}
