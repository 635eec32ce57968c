//! What a model must be before its operators are looked at: versions, names, order, lengths, shapes of the inputs.

use crate::onnx::element;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::budget::Budget;
use super::external::Files;
use super::model::Model;
use super::proto::{GraphProto, ModelProto, OperatorSetIdProto, TensorProto, TypeProto, ValueInfoProto};
use super::types::{Options, Shapes, TensorInfo};
use super::weights::Weights;
use super::{complete, early, functions, order, tensor};
use crate::error::{Error, Result};
use crate::graph::Dim;
use crate::tensor::Tensor;

const OPSETS: std::ops::RangeInclusive<i64> = 1..=28;
const IR_VERSIONS: std::ops::RangeInclusive<i64> = 1..=14;

/// The first IR version that says which version of the operators a model has; before, that is 1.
const IR_VERSION_WITH_OPSETS: i64 = 3;

/// The most bytes that a parsed message takes for each of its own, without its strings and numbers.
const PARSED_MESSAGE: u64 = 256;

fn malformed(message: String) -> Error {
    Error::Onnx(message)
}

/// Checks that the parsed messages will fit the budget: a node of two bytes in the file has a hundred times as many in
/// memory. Counts a graph's messages and strings without allocating; what is not well-formed is left to the parser.
pub(super) fn parsed_size(file: &[u8], budget: &Budget) -> Result<()> {
    let mut count = Count::default();
    fields(file, &mut |field, part| {
        count.messages += 1;
        match field {
            7 => count.graph(part, 0),
            25 => count.function(part),
            _ => {}
        }
    });
    budget.check_bytes("the file's nodes and names", count.parsed(file.len()))
}

/// As [`parsed_size`], of a file that is one tensor.
pub(super) fn parsed_tensor_size(what: &str, file: &[u8], budget: &Budget) -> Result<()> {
    let mut count = Count::default();
    count.tensor(file);
    budget.check_bytes(&format!("{what}: its numbers"), count.parsed(file.len()))
}

/// The most graphs in graphs that the parser reads: it stops at 100 nested messages, of which each graph takes three.
const MOST_NESTED: usize = 34;

/// What a file is made of.
#[derive(Default)]
struct Count {
    messages: u64,
    /// Bytes of tensor elements, which take no more when parsed.
    elements: u64,
}

impl Count {
    fn graph(&mut self, graph: &[u8], depth: usize) {
        fields(graph, &mut |field, part| {
            self.messages += 1;
            match field {
                5 => self.tensor(part),
                15 => self.sparse_tensor(part),
                1 => self.node(part, depth),
                // Inputs and outputs have their dimensions three messages deeper.
                11 | 12 => self.messages += part.len() as u64 / 2,
                _ => {}
            }
        });
    }

    fn function(&mut self, function: &[u8]) {
        fields(function, &mut |field, part| {
            self.messages += 1;
            match field {
                7 => self.node(part, 0),
                11 => self.attribute(part, 0),
                _ => {}
            }
        });
    }

    fn node(&mut self, node: &[u8], depth: usize) {
        fields(node, &mut |field, attribute| {
            self.messages += 1;
            if field == 5 {
                self.attribute(attribute, depth);
            }
        });
    }

    fn attribute(&mut self, attribute: &[u8], depth: usize) {
        fields(attribute, &mut |field, inner| match field {
            5 => self.tensor(inner),
            22 => self.sparse_tensor(inner),
            6 if depth < MOST_NESTED => self.graph(inner, depth + 1),
            _ => self.messages += 1,
        });
    }

    fn tensor(&mut self, tensor: &[u8]) {
        self.messages += 1;
        fields(tensor, &mut |field, inner| match field {
            4 | 9 | 10 => self.elements += inner.len() as u64,
            _ => self.messages += 1,
        });
    }

    fn sparse_tensor(&mut self, tensor: &[u8]) {
        self.messages += 1;
        fields(tensor, &mut |field, part| match field {
            1 | 2 => self.tensor(part),
            _ => self.messages += 1,
        });
    }

    /// The most bytes that the parsed messages take besides the elements.
    fn parsed(&self, file: usize) -> u64 {
        // A number of one byte becomes eight.
        let rest = (file as u64).saturating_sub(self.elements);
        self.messages
            .saturating_mul(PARSED_MESSAGE)
            .saturating_add(rest.saturating_mul(8))
    }
}

/// Calls back with each length-delimited field of a message. Stops where it is not well-formed.
fn fields<'a>(mut message: &'a [u8], found: &mut dyn FnMut(u64, &'a [u8])) {
    fn varint(message: &mut &[u8]) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = message.split_first()?;
            *message = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
    let mut next = || -> Option<()> {
        let key = varint(&mut message)?;
        let skipped = match key & 7 {
            0 => {
                varint(&mut message)?;
                0
            }
            1 => 8,
            2 => usize::try_from(varint(&mut message)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let (content, rest) = message.split_at_checked(skipped)?;
        message = rest;
        if key & 7 == 2 {
            found(key >> 3, content);
        }
        Some(())
    };
    while next().is_some() {}
}

/// Checks a parsed model, of which [`weights::take`](super::weights::take) takes the weights. `files` is where external data may be read.
pub(super) fn model(model: ModelProto, options: &Options, files: Option<Files<'_>>, budget: &mut Budget) -> Result<Model> {
    if !IR_VERSIONS.contains(&model.ir_version) {
        return Err(Error::unsupported(
            "onnx",
            format!(
                "IR version {}: {} to {} are read",
                model.ir_version,
                IR_VERSIONS.start(),
                IR_VERSIONS.end()
            ),
        ));
    }
    let opset = opset(&model)?;
    let mut graph = model.graph.ok_or_else(|| malformed("there is no graph".to_owned()))?;
    if opset < early::FIRST {
        early::attributes(&mut graph, opset)?;
    }
    functions::inline(&mut graph, &model.functions, opset, budget)?;
    complete::tensors(&mut graph, files, budget)?;
    let mut initializers = HashMap::new();
    let mut inputs = Vec::new();
    let mut input_names = HashSet::new();
    for info in &graph.input {
        if !input_names.insert(info.name.as_str()) {
            return Err(malformed(format!("two inputs are called {:?}", info.name)));
        }
    }
    for initializer in std::mem::take(&mut graph.initializer) {
        let (name, initializer) = self::initializer(initializer)?;
        if initializers.insert(name.clone(), initializer).is_some() {
            return Err(malformed(format!("two initializers are called {name:?}")));
        }
    }
    for info in &graph.input {
        // Up to IR version 3 every initializer is an input, too; later this gives an input a default.
        if !initializers.contains_key(&info.name) {
            inputs.push(tensor_info("input", info)?);
        }
    }
    let outputs: Vec<TensorInfo> = graph
        .output
        .iter()
        .map(|info| tensor_info("output", info))
        .collect::<Result<_>>()?;
    if outputs.is_empty() {
        return Err(malformed("there is no output".to_owned()));
    }
    let defined = initializers.keys().chain(inputs.iter().map(|input| &input.name));
    order::check(&graph, defined.map(String::as_str).collect())?;
    order::sort(&mut graph.node)?;
    note_rounding(&graph, &initializers, &inputs);
    let elements = elements(&graph, &initializers);
    options.limits.check_nodes(graph.node.len())?;
    Ok(Model {
        opset,
        nodes: graph.node,
        initializers,
        weights: Weights::new(),
        elements,
        inputs,
        outputs,
        budget: options.budget,
        spliced: 0,
        copies: Budget::new(options.budget),
        operators: options.operators.clone(),
    })
}

/// How many elements the initializers and constants of a file have, which it holds.
fn elements(graph: &GraphProto, initializers: &HashMap<String, TensorProto>) -> u64 {
    let attributes = graph
        .node
        .iter()
        .filter(|node| node.op_type == "Constant")
        .flat_map(|node| &node.attribute);
    let constants = attributes.filter_map(|attribute| attribute.t.as_deref());
    let extent = |&extent: &i64| u64::try_from(extent).unwrap_or(0);
    let counts = initializers.values().chain(constants);
    let counts = counts.map(|tensor| tensor.dims.iter().map(extent).fold(1, u64::saturating_mul));
    counts.fold(0, u64::saturating_add)
}

/// Says once that a model's numbers are computed with in another width than they have.
fn note_rounding(graph: &GraphProto, initializers: &HashMap<String, TensorProto>, inputs: &[TensorInfo]) {
    let constants = graph
        .node
        .iter()
        .flat_map(|node| &node.attribute)
        .filter_map(|attribute| attribute.t.as_deref());
    let tensors = initializers.values().chain(constants).map(|tensor| tensor.data_type);
    let types: HashSet<i32> = tensors.chain(inputs.iter().map(|input| input.element)).collect();
    if types.contains(&element::DOUBLE) {
        log::warn!("the model has numbers of 64 bits (DOUBLE): they are rounded to 32 bits and computed with as these");
    }
    if types.contains(&element::BFLOAT16) {
        log::warn!("the model has numbers of BFLOAT16: they are computed with in 32 bits, and results are not rounded to BFLOAT16");
    }
}

fn opset(model: &ModelProto) -> Result<i64> {
    let mut own = model
        .opset_import
        .iter()
        .filter(|import| matches!(import.domain.as_str(), "" | "ai.onnx"));
    let Some(first) = own.next() else {
        return match model.opset_import.as_slice() {
            [] if model.ir_version < IR_VERSION_WITH_OPSETS => Ok(1),
            [] => Err(malformed("no version of ONNX's operators is given".to_owned())),
            foreign => Err(Error::unsupported("onnx", only_foreign(foreign))),
        };
    };
    let version = first.version;
    if let Some(other) = own.find(|import| import.version != version) {
        return Err(malformed(format!(
            "two versions of ONNX's operators are given: {version} and {}",
            other.version
        )));
    }
    if !OPSETS.contains(&version) {
        return Err(Error::unsupported(
            "onnx",
            format!("opset {version}: {} to {} are read", OPSETS.start(), OPSETS.end()),
        ));
    }
    Ok(version)
}

/// That a model has none of ONNX's own operators.
fn only_foreign(imports: &[OperatorSetIdProto]) -> String {
    let domains: Vec<String> = imports.iter().map(|import| format!("{:?}", import.domain)).collect();
    format!(
        "a model of the operators of {} alone: those of ONNX's own domain are read",
        domains.join(" and ")
    )
}

/// An initializer whose length is that of its shape, by its name.
fn initializer(mut initializer: TensorProto) -> Result<(String, TensorProto)> {
    let name = std::mem::take(&mut initializer.name);
    if name.is_empty() {
        return Err(malformed("an initializer has no name".to_owned()));
    }
    tensor::check(&format!("initializer {name:?}"), &initializer)?;
    Ok((name, initializer))
}

fn tensor_info(kind: &str, info: &ValueInfoProto) -> Result<TensorInfo> {
    let name = info.name.clone();
    if name.is_empty() {
        return Err(malformed(format!("an {kind} has no name")));
    }
    let what = format!("{kind} {name:?}");
    if let Some(other) = info.kind.as_ref().and_then(other_type) {
        return Err(Error::unsupported(
            "onnx",
            format!("{what} is {other}: those of the model must be tensors"),
        ));
    }
    let tensor = info.kind.as_ref().and_then(|kind| kind.tensor.as_ref());
    let dims = match tensor.and_then(|tensor| tensor.shape.as_ref()) {
        None => None,
        Some(shape) if shape.dim.len() > tensor::MOST_DIMENSIONS => {
            return Err(malformed(format!(
                "{what} has {} dimensions, but {} are the most",
                shape.dim.len(),
                tensor::MOST_DIMENSIONS
            )));
        }
        Some(shape) => {
            let dims = shape.dim.iter().map(|dim| match (dim.value, &dim.symbol) {
                // Some exporters say so of an open extent.
                (Some(-1), _) => Ok(Dim::Unknown),
                (Some(value), _) => usize::try_from(value)
                    .map(Dim::Known)
                    .map_err(|_| malformed(format!("{what} has an extent of {value}"))),
                (None, Some(symbol)) if !matches!(symbol.as_str(), "" | "?" | "-1" | "None") => Ok(Dim::Symbol(symbol.clone())),
                _ => Ok(Dim::Unknown),
            });
            Some(dims.collect::<Result<Vec<_>>>()?)
        }
    };
    Ok(TensorInfo {
        name,
        dims,
        element: tensor.map_or(0, |tensor| tensor.element),
    })
}

/// What a value is that is no tensor.
fn other_type(kind: &TypeProto) -> Option<&'static str> {
    let types = [
        (&kind.sequence, "a sequence"),
        (&kind.map, "a map"),
        (&kind.sparse_tensor, "a sparse tensor"),
        (&kind.optional, "an optional"),
    ];
    types.into_iter().find_map(|(given, name)| given.is_some().then_some(name))
}

/// The inputs' shapes with the given numbers for what the file leaves open.
pub(super) fn input_shapes(model: &Model, shapes: &Shapes) -> Result<Vec<Vec<usize>>> {
    let names = || model.inputs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let invalid = |message: String| Error::invalid("onnx", message);
    if let Some(name) = shapes
        .inputs
        .keys()
        .find(|name| model.inputs.iter().all(|input| input.name != **name))
    {
        return Err(invalid(format!("there is no input {name:?}; the inputs are {}", names())));
    }
    let mut symbols = BTreeMap::new();
    for (name, &extent) in &shapes.symbols {
        symbols.insert(name.as_str(), extent);
    }
    // First what is given, then what follows from it.
    for input in &model.inputs {
        let (Some(dims), Some(given)) = (&input.dims, shapes.inputs.get(&input.name)) else {
            continue;
        };
        if dims.len() != given.len() {
            return Err(invalid(format!(
                "input {input} cannot have shape {given:?}: expected {} axes, but got {}",
                dims.len(),
                given.len()
            )));
        }
        for (axis, (dim, &extent)) in dims.iter().zip(given).enumerate() {
            let wanted = match dim {
                Dim::Known(wanted) => *wanted,
                Dim::Symbol(name) => *symbols.entry(name.as_str()).or_insert(extent),
                Dim::Unknown => extent,
            };
            if wanted != extent {
                let why = match dim {
                    Dim::Symbol(name) => format!(" since {name} is that already"),
                    _ => String::new(),
                };
                return Err(invalid(format!(
                    "input {input} cannot have shape {given:?}: expected {wanted} at axis {axis}{why}, but got {extent}"
                )));
            }
        }
    }
    let shape = |input: &TensorInfo| {
        if let Some(given) = shapes.inputs.get(&input.name) {
            return Ok(given.clone());
        }
        let open = || invalid(format!("the shape of input {input} is open: give it a shape"));
        let dims = input.dims.as_ref().ok_or_else(open)?;
        let extent = |(index, dim): (usize, &Dim)| match dim {
            Dim::Known(extent) => Ok(*extent),
            Dim::Symbol(name) if symbols.contains_key(name.as_str()) => Ok(symbols[name.as_str()]),
            _ if index == 0 => Ok(1),
            _ => Err(open()),
        };
        dims.iter().enumerate().map(extent).collect()
    };
    model.inputs.iter().map(shape).collect()
}

/// A given value, which must be of the type that the input is declared with.
pub(super) fn fixed_value(input: &TensorInfo, value: &Tensor) -> Result<Tensor> {
    let name = input.element_type();
    let Some(expected) = element::dtype(input.element) else {
        return Err(Error::unsupported("onnx", format!("input {input} is {name}")));
    };
    match value {
        Tensor::F16(_) if input.element == element::FLOAT16 => Ok(value.to_f32().into()),
        value if value.dtype() == expected => Ok(value.clone()),
        value => Err(Error::invalid(
            "onnx",
            format!(
                "input {input} is {name}: expected a value of {expected}, but got {}",
                value.dtype()
            ),
        )),
    }
}
