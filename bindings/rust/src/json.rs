use crate::reply::Error;
use crate::{ffi::*, text, JsonType, Result, Status};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

/// A JSON text to look values up in, by JSON pointers such as "/cities/0".
pub struct Json {
    json: NonNull<tw_json>,
    // One thread at a time may use it: it is Send, but not Sync.
    _not_sync: PhantomData<std::cell::Cell<()>>,
}

unsafe impl Send for Json {}

impl Json {
    /// Parses a text. The message of an error says where and why it is not JSON.
    pub fn parse(json: &str) -> Result<Self> {
        let mut parsed = ptr::null_mut();
        let status = unsafe { tw_json_parse(json.as_ptr().cast(), json.len(), &mut parsed) };
        match NonNull::new(parsed) {
            Some(json) => Ok(Self { json, _not_sync: PhantomData }),
            None => Err(Error::new(Status::new(status), text::last_error())),
        }
    }

    /// The text of a string, or the JSON of another value.
    pub fn get(&self, pointer: &str) -> Option<&str> {
        let pointer = text::argument(pointer);
        // Valid until the object is destroyed.
        unsafe { text::sized(|len| tw_json_get(self.json.as_ptr(), pointer.as_ptr(), len)) }
    }

    /// A number, as the nearest double.
    pub fn number(&self, pointer: &str) -> Option<f64> {
        let pointer = text::argument(pointer);
        let number = unsafe { tw_json_number(self.json.as_ptr(), pointer.as_ptr(), f64::NAN) };
        // No JSON number is NaN.
        (!number.is_nan()).then_some(number)
    }

    /// How many elements an array has, or members an object.
    pub fn count(&self, pointer: &str) -> usize {
        unsafe { tw_json_count(self.json.as_ptr(), text::argument(pointer).as_ptr()) }
    }

    /// The type of a value; None if it is absent.
    pub fn kind(&self, pointer: &str) -> Option<JsonType> {
        let pointer = text::argument(pointer);
        JsonType::from_c(unsafe { tw_json_type_at(self.json.as_ptr(), pointer.as_ptr()) })
    }
}

impl Drop for Json {
    fn drop(&mut self) {
        unsafe { tw_json_destroy(self.json.as_ptr()) }
    }
}
