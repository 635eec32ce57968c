//! A node's attributes, with what is read of them noted.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::proto::{AttributeProto, TensorProto};
use crate::error::{Error, Result};

/// `AttributeProto.AttributeType`'s numbers.
mod kind {
    pub(super) const FLOAT: i32 = 1;
    pub(super) const INT: i32 = 2;
    pub(super) const STRING: i32 = 3;
    pub(super) const TENSOR: i32 = 4;
    pub(super) const FLOATS: i32 = 6;
    pub(super) const INTS: i32 = 7;
    pub(super) const STRINGS: i32 = 8;
}

/// The attributes of an ONNX node. What is not read of them would change the answer, and has the model refused.
#[derive(Debug)]
pub struct Attributes<'m> {
    protos: &'m [AttributeProto],
    read: RefCell<BTreeSet<&'m str>>,
}

impl<'m> Attributes<'m> {
    pub(super) fn new(protos: &'m [AttributeProto]) -> Result<Self> {
        let mut names = BTreeSet::new();
        for attribute in protos {
            if !names.insert(attribute.name.as_str()) {
                return Err(Error::Onnx(format!("attribute {:?} is given twice", attribute.name)));
            }
            if !attribute.ref_attr_name.is_empty() {
                return Err(Error::unsupported("onnx", "an attribute of a function"));
            }
        }
        Ok(Self {
            protos,
            read: RefCell::default(),
        })
    }

    /// Refuses attributes that nobody has read.
    pub(super) fn check_all_read(&self) -> Result<()> {
        let read = self.read.borrow();
        match self.protos.iter().find(|attribute| !read.contains(attribute.name.as_str())) {
            Some(attribute) => Err(Error::unsupported("onnx", format!("attribute {:?}", attribute.name))),
            None => Ok(()),
        }
    }

    fn attribute(&self, name: &str, kind: i32) -> Result<Option<&'m AttributeProto>> {
        let Some(attribute) = self.protos.iter().find(|attribute| attribute.name == name) else {
            return Ok(None);
        };
        self.read.borrow_mut().insert(&attribute.name);
        if attribute.kind != kind {
            return Err(Error::Onnx(format!(
                "attribute {name:?} has the wrong type {}",
                attribute.kind
            )));
        }
        Ok(Some(attribute))
    }

    /// A whole number, or what it is where it is left out.
    ///
    /// Errors: an attribute of another type, as of all these.
    pub fn int(&self, name: &str, default: i64) -> Result<i64> {
        Ok(self.optional_int(name)?.unwrap_or(default))
    }

    /// A whole number, if it is there.
    pub fn optional_int(&self, name: &str) -> Result<Option<i64>> {
        Ok(self.attribute(name, kind::INT)?.map(|attribute| attribute.i))
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool> {
        Ok(self.int(name, i64::from(default))? != 0)
    }

    /// Whole numbers, if they are there.
    pub fn ints(&self, name: &str) -> Result<Option<&'m [i64]>> {
        Ok(self.attribute(name, kind::INTS)?.map(|attribute| attribute.ints.as_slice()))
    }

    /// A real number, or what it is where it is left out.
    pub fn float(&self, name: &str, default: f32) -> Result<f32> {
        Ok(self.optional_float(name)?.unwrap_or(default))
    }

    /// A real number, if it is there.
    pub fn optional_float(&self, name: &str) -> Result<Option<f32>> {
        Ok(self.attribute(name, kind::FLOAT)?.map(|attribute| attribute.f))
    }

    /// Real numbers, if they are there.
    pub fn floats(&self, name: &str) -> Result<Option<&'m [f32]>> {
        Ok(self
            .attribute(name, kind::FLOATS)?
            .map(|attribute| attribute.floats.as_slice()))
    }

    /// A text, or what it is where it is left out.
    pub fn string(&self, name: &str, default: &'m str) -> Result<&'m str> {
        match self.attribute(name, kind::STRING)? {
            None => Ok(default),
            Some(attribute) => utf8(name, &attribute.s),
        }
    }

    /// Texts, if they are there.
    pub fn strings(&self, name: &str) -> Result<Option<Vec<&'m str>>> {
        let attribute = self.attribute(name, kind::STRINGS)?;
        let strings = attribute.map(|attribute| attribute.strings.iter().map(|text| utf8(name, text)).collect());
        strings.transpose()
    }

    pub(super) fn tensor(&self, name: &str) -> Result<Option<&'m TensorProto>> {
        Ok(self
            .attribute(name, kind::TENSOR)?
            .and_then(|attribute| attribute.t.as_deref()))
    }

    /// Notes attributes that do not change the answer.
    pub(super) fn ignore(&self, names: &[&str]) {
        let ignored = self
            .protos
            .iter()
            .filter(|attribute| names.contains(&attribute.name.as_str()));
        self.read
            .borrow_mut()
            .extend(ignored.map(|attribute| attribute.name.as_str()));
    }
}

fn utf8<'m>(attribute: &str, text: &'m [u8]) -> Result<&'m str> {
    std::str::from_utf8(text).map_err(|_| Error::Onnx(format!("attribute {attribute:?} is not UTF-8")))
}
