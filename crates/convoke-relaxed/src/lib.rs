//! What a compiler makes of relaxed vectors in WebAssembly put right, and the same for browsers that have none.
//!
//! A browser refuses a module with instructions that it does not know, whether they are reached or not. So a package has two: one whose
//! kernels multiply and add by `f32x4.relaxed_madd`, which a processor may round once, and one with a product and a sum in its place,
//! each rounded. The compiler makes the first; made from it, the second takes a moment instead of minutes, and has the same exports,
//! for which one file of JavaScript does.
//!
//! LLVM 21 and 22 take relaxed minima and maxima, too, where nothing relaxed was asked for, and with those it is the processor's to say
//! what becomes of a NaN and of the sign of zero. Neither module has them: [`Vectors`] says what stands in their place.

use std::convert::Infallible;
use std::fmt;

use wasm_encoder::reencode::{Error as ReencodeError, Reencode, utils};
use wasm_encoder::{CodeSection, Function, Instruction, Module, ValType};
use wasmparser::{BinaryReaderError, CompositeInnerType, FunctionBody, Operator, Parser, Payload, Validator, WasmFeatures};

/// The vectors that a module is to have.
///
/// With either, `f32x4.relaxed_min` and `max` become `f32x4.pmin` and `pmax`: what LLVM takes without relaxed vectors for
/// `if b < a { b } else { a }`, and all that kernels have. And `f64x2.relaxed_min` and `max` become what `f64::min` and `max` are, which
/// pass a NaN over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vectors {
    /// With `f32x4.relaxed_madd`.
    Relaxed,
    /// With `f32x4.mul` and `f32x4.add` in its place.
    Plain,
}

impl fmt::Display for Vectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Relaxed => "relaxed",
            Self::Plain => "plain",
        })
    }
}

/// What may be wrong with a module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is not WebAssembly.
    #[error("expected WebAssembly: {0}")]
    Module(#[from] BinaryReaderError),
    /// It cannot be written again.
    #[error("expected a module that can be written again: {0}")]
    Reencode(#[from] ReencodeError),
    /// It has an instruction that is relaxed and nothing is known in place of.
    #[error("expected no relaxed instructions but multiply-add, min and max, got {0}")]
    Relaxed(String),
}

/// The module with these vectors.
///
/// Errors: bytes that are not a module, and relaxed instructions that nothing is known in place of.
pub fn with(vectors: Vectors, module: &[u8]) -> Result<Vec<u8>, Error> {
    let mut rewriter = Rewriter {
        vectors,
        parameters: parameters(module)?.into_iter(),
        unknown: None,
    };
    let mut rewritten = Module::new();
    rewriter.parse_core_module(&mut rewritten, Parser::new(0), module)?;
    if let Some(unknown) = rewriter.unknown {
        return Err(Error::Relaxed(unknown));
    }
    let rewritten = rewritten.finish();
    Validator::new_with_features(WasmFeatures::all()).validate_all(&rewritten)?;
    Ok(rewritten)
}

/// How many parameters each of the module's own functions has.
fn parameters(module: &[u8]) -> Result<Vec<u32>, BinaryReaderError> {
    let (mut of_types, mut of_functions) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::TypeSection(types) => {
                for group in types {
                    for one in group?.into_types() {
                        of_types.push(match one.composite_type.inner {
                            CompositeInnerType::Func(function) => function.params().len() as u32,
                            _ => 0,
                        });
                    }
                }
            }
            Payload::FunctionSection(functions) => {
                for index in functions {
                    // A type that is missing is the validator's to find.
                    of_functions.push(of_types.get(index? as usize).copied().unwrap_or(0));
                }
            }
            _ => {}
        }
    }
    Ok(of_functions)
}

struct Rewriter<I> {
    vectors: Vectors,
    /// Of the functions that are still to come.
    parameters: I,
    /// A relaxed instruction that nothing is known in place of.
    unknown: Option<String>,
}

impl<I> Rewriter<I> {
    /// What takes an instruction's place, if something does; of two locals the first is that with this index.
    fn instead(&self, operator: &Operator<'_>, local: u32) -> Option<Vec<Instruction<'static>>> {
        let whole = |extreme| {
            vec![
                Instruction::LocalSet(local + 1),
                Instruction::LocalTee(local),
                Instruction::LocalGet(local + 1),
                extreme,
                Instruction::LocalGet(local + 1),
                Instruction::LocalGet(local),
                Instruction::LocalGet(local),
                Instruction::F64x2Eq,
                Instruction::V128Bitselect,
            ]
        };
        match operator {
            // The addend lies on top of both factors.
            Operator::F32x4RelaxedMadd if self.vectors == Vectors::Plain => Some(vec![
                Instruction::LocalSet(local),
                Instruction::F32x4Mul,
                Instruction::LocalGet(local),
                Instruction::F32x4Add,
            ]),
            Operator::F32x4RelaxedMin => Some(vec![Instruction::F32x4PMin]),
            Operator::F32x4RelaxedMax => Some(vec![Instruction::F32x4PMax]),
            // The second where the first is a NaN, and `pmin` and `pmax` keep the first where the second is.
            Operator::F64x2RelaxedMin => Some(whole(Instruction::F64x2PMin)),
            Operator::F64x2RelaxedMax => Some(whole(Instruction::F64x2PMax)),
            _ => None,
        }
    }
}

impl<I: Iterator<Item = u32>> Reencode for Rewriter<I> {
    type Error = Infallible;

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Result<(), ReencodeError> {
        let mut local = self.parameters.next().unwrap_or(0);
        let mut locals = Vec::new();
        for pair in body.get_locals_reader()? {
            let (count, kind) = pair?;
            locals.push((count, utils::val_type(self, kind)?));
            local = local.saturating_add(count);
        }
        let operators = body.get_operators_reader()?.into_iter().collect::<Result<Vec<_>, _>>()?;
        if operators
            .iter()
            .any(|operator| self.instead(operator, local).is_some_and(|all| all.len() > 1))
        {
            locals.push((2, ValType::V128));
        }
        let mut function = Function::new(locals);
        for operator in operators {
            if let Some(all) = self.instead(&operator, local) {
                for instruction in &all {
                    function.instruction(instruction);
                }
                continue;
            }
            let name = format!("{operator:?}");
            if name.contains("Relaxed") && name != "F32x4RelaxedMadd" {
                self.unknown.get_or_insert(name);
            }
            function.instruction(&self.instruction(operator)?);
        }
        code.function(&function);
        Ok(())
    }
}
