//! Kernels that a program brings along.

use std::sync::Arc;

use crate::gpu::wgsl::parameters::{Field, FieldKind, Layout};
use crate::gpu::wgsl::registry::KernelSource;
use crate::gpu::wgsl::storage::{Binding, Element};
use crate::ops::{CustomKernel, KernelParameter};

/// What a kernel that a program brings along is made of. All its parameters are of four bytes.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct CustomSource {
    name: &'static str,
    body: Arc<str>,
    fields: Vec<Field>,
    inputs: Vec<Binding>,
    outputs: Vec<Binding>,
}

impl CustomSource {
    /// That of an operator.
    pub(crate) fn new(operator: &'static str, kernel: &CustomKernel) -> Self {
        let given = kernel.parameters.iter().map(|(name, parameter)| {
            let kind = match parameter {
                KernelParameter::U32(_) => FieldKind::U32,
                KernelParameter::I32(_) => FieldKind::I32,
                KernelParameter::F32(_) => FieldKind::F32,
            };
            (*name, kind)
        });
        let fields = std::iter::once(("elements", FieldKind::U32)).chain(given);
        let bindings = |names: &[&'static str]| {
            let names = names.iter();
            names
                .map(|&name| Binding {
                    name,
                    element: Element::Any,
                })
                .collect()
        };
        Self {
            name: operator,
            body: Arc::clone(&kernel.body),
            fields: fields
                .enumerate()
                .map(|(index, (name, kind))| Field::word(name, kind, index))
                .collect(),
            inputs: bindings(&kernel.inputs),
            outputs: bindings(&kernel.outputs),
        }
    }

    /// The same as convoke's own kernels are declared.
    pub(crate) fn source(&self) -> KernelSource<'_> {
        KernelSource {
            name: self.name,
            body: &self.body,
            variants: &[],
            parameters: Layout {
                size: 4 * self.fields.len(),
                fields: &self.fields,
            },
            inputs: &self.inputs,
            outputs: &self.outputs,
            subgroups: false,
        }
    }
}

/// The parameters of a kernel as it reads them, for a first output of so many elements.
pub(crate) fn parameters(elements: u32, kernel: &CustomKernel) -> Vec<u32> {
    let given = kernel.parameters.iter().map(|(_, parameter)| match *parameter {
        KernelParameter::U32(value) => value,
        KernelParameter::I32(value) => value.cast_unsigned(),
        KernelParameter::F32(value) => value.to_bits(),
    });
    std::iter::once(elements).chain(given).collect()
}
