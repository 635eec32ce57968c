//! Operators that a program brings along, by their domains and names.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::attributes::Attributes;
use crate::error::Result;
use crate::ops::CustomOp;

/// Makes an operator for a node with these attributes.
pub(super) type Make = Arc<dyn Fn(&Attributes<'_>) -> Result<CustomOp> + Send + Sync>;

/// What makes the operators that a program brings along.
#[derive(Clone, Default)]
pub(super) struct Operators {
    /// By domain and name.
    known: HashMap<(String, String), Make>,
}

impl Operators {
    pub(super) fn insert(&mut self, domain: &str, name: String, make: Make) {
        self.known.insert((own_domain(domain).to_owned(), name), make);
    }

    pub(super) fn find(&self, domain: &str, name: &str) -> Option<&Make> {
        if self.known.is_empty() {
            return None;
        }
        self.known.get(&(own_domain(domain).to_owned(), name.to_owned()))
    }
}

/// ONNX's own domain has two names.
fn own_domain(domain: &str) -> &str {
    if domain == "ai.onnx" { "" } else { domain }
}

impl fmt::Debug for Operators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.known.keys()).finish()
    }
}
